//! The screen of `pagetrace top`: the answer, where it is from, a table or one line of it in full, and
//! what keys do. A pure function of a [`TopScreen`].

mod detail;
mod header;
mod keys;
mod rows;
mod spark;
mod style;
mod terminal;
#[cfg(test)]
mod tests;

pub use terminal::TopTerminal;

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
};

use self::style::Styles;
use crate::model::{TopExtent, TopScreen};

/// From so many lines on, there is room for where the numbers are from, for the titles of columns, and
/// for what keys do.
const WITH_SOURCE: u16 = 8;
const WITH_TITLES: u16 = 6;
const WITH_KEYS: u16 = 10;

/// Draws it, and says how much room there was.
pub(super) fn draw(screen: &TopScreen<'_>, styles: Styles, frame: &mut Frame<'_>) -> TopExtent {
    let area = frame.area();
    let shown = |is_shown: bool| Constraint::Length(u16::from(is_shown));
    let needs_foot = area.height >= WITH_KEYS || screen.complaint.is_some();
    let parts = Layout::vertical([
        Constraint::Length(1),
        shown(area.height >= WITH_SOURCE),
        Constraint::Length(1),
        Constraint::Fill(1),
        shown(needs_foot),
    ]);
    let [answer, source, tabs, body, foot] = parts.areas(area);
    frame.render_widget(header::answer(screen, styles, answer.width), answer);
    frame.render_widget(header::source(screen, styles, source.width), source);
    frame.render_widget(header::tabs(screen, tabs.width), tabs);
    frame.render_widget(keys::foot(screen, styles, foot.width), foot);
    body_of(screen, styles, frame, body, area.height >= WITH_TITLES)
}

fn body_of(
    screen: &TopScreen<'_>,
    styles: Styles,
    frame: &mut Frame<'_>,
    area: Rect,
    has_titles: bool,
) -> TopExtent {
    match &screen.detail {
        Some(shown) => detail::draw(shown, screen, styles, frame, area),
        None => rows::draw(screen, frame, area, has_titles),
    }
}
