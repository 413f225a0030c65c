//! What is typed, from a thread that waits for it.

use std::{future, thread};

use crossterm::event::{self, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc::{self, Receiver};

use crate::model::TopKey;

/// So much that was typed waits for its turn.
const WAITING: usize = 64;

/// What happened at the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A key that means something.
    Key(TopKey),
    /// The screen has another size, or the user has it drawn again.
    Redraw,
    /// Ctrl-C, which is no signal in raw mode.
    Quit,
}

/// What happens from here on; the thread ends with the process, as nothing else ends its wait.
pub(super) fn events() -> Receiver<Event> {
    let (sender, events) = mpsc::channel(WAITING);
    thread::spawn(move || {
        while let Ok(event) = event::read() {
            let wanted = meaning(&event).map(|it| sender.blocking_send(it));
            if wanted.is_some_and(|sent| sent.is_err()) {
                break;
            }
        }
    });
    events
}

/// Waits for the next; for ever where nothing can be typed.
pub(super) async fn next(events: &mut Receiver<Event>) -> Event {
    match events.recv().await {
        Some(event) => event,
        None => future::pending().await,
    }
}

fn meaning(event: &event::Event) -> Option<Event> {
    match event {
        event::Event::Resize(..) => Some(Event::Redraw),
        event::Event::Key(key) if key.kind != KeyEventKind::Release => meaning_of_key(*key),
        _ => None,
    }
}

fn meaning_of_key(key: KeyEvent) -> Option<Event> {
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(Event::Key(match key.code {
        KeyCode::Char('c' | 'd') if is_control => return Some(Event::Quit),
        KeyCode::Char('l') if is_control => return Some(Event::Redraw),
        KeyCode::Char(_) if is_control => return None,
        KeyCode::Char('j') | KeyCode::Down => TopKey::Down,
        KeyCode::Char('k') | KeyCode::Up => TopKey::Up,
        KeyCode::Char(c) => TopKey::Char(c),
        KeyCode::Left => TopKey::Left,
        KeyCode::Right => TopKey::Right,
        KeyCode::PageUp => TopKey::PageUp,
        KeyCode::PageDown => TopKey::PageDown,
        KeyCode::Home => TopKey::Home,
        KeyCode::End => TopKey::End,
        KeyCode::Enter => TopKey::Enter,
        KeyCode::Esc | KeyCode::Backspace => TopKey::Escape,
        KeyCode::Tab => TopKey::Tab,
        KeyCode::BackTab => TopKey::BackTab,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(code: KeyCode, modifiers: KeyModifiers) -> Option<Event> {
        meaning(&event::Event::Key(KeyEvent::new(code, modifiers)))
    }

    #[test]
    fn keys_mean_what_they_do_elsewhere() {
        let plain = |code| typed(code, KeyModifiers::NONE);
        assert_eq!(
            plain(KeyCode::Char('q')),
            Some(Event::Key(TopKey::Char('q')))
        );
        assert_eq!(plain(KeyCode::Char('j')), Some(Event::Key(TopKey::Down)));
        assert_eq!(plain(KeyCode::F(1)), None);
        let control = |c| typed(KeyCode::Char(c), KeyModifiers::CONTROL);
        assert_eq!(control('c'), Some(Event::Quit));
        assert_eq!(control('l'), Some(Event::Redraw));
        assert_eq!(control('q'), None);
        assert_eq!(meaning(&event::Event::Resize(80, 24)), Some(Event::Redraw));
    }
}
