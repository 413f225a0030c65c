//! The terminal: taken over, and given back as it was, whatever happens.

use std::{env, io, mem::ManuallyDrop};

use ratatui::{
    DefaultTerminal,
    layout::{Position, Rect},
};

use super::style::Styles;
use crate::model::{TopExtent, TopScreen};

/// A terminal in raw mode that shows the alternate screen. Dropping it, and any panic, gives it back.
pub struct TopTerminal {
    /// Its own destructor complains to stderr, and panics where that is a terminal that has gone.
    terminal: ManuallyDrop<DefaultTerminal>,
    styles: Styles,
}

impl TopTerminal {
    /// Takes the terminal over.
    pub fn open() -> io::Result<Self> {
        let terminal = ratatui::try_init();
        let terminal = terminal.inspect_err(|_| give_back())?;
        // As https://no-color.org has it.
        let has_colours = env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
        Ok(Self {
            terminal: ManuallyDrop::new(terminal),
            styles: Styles { has_colours },
        })
    }

    /// Draws the screen, and says how much room there was.
    pub fn draw(&mut self, screen: &TopScreen<'_>) -> io::Result<TopExtent> {
        let mut extent = TopExtent::default();
        let styles = self.styles;
        self.terminal
            .draw(|frame| extent = super::draw(screen, styles, frame))?;
        Ok(extent)
    }

    /// Forgets what is on it, which something else may have written over.
    /// Not as ratatui clears it: that asks the terminal where its cursor is, and whoever waits for keys
    /// takes the answer.
    pub fn clear(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::from((Position::ORIGIN, size)))
    }
}

impl Drop for TopTerminal {
    fn drop(&mut self) {
        let _ = self.terminal.show_cursor();
        give_back();
    }
}

/// Nobody is left to be told if the terminal has gone.
fn give_back() {
    let _ = ratatui::try_restore();
}
