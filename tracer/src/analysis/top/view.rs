//! What is looked at, and what keys change of it.

use crate::model::{TopExtent, TopKey, TopRow, TopSort, TopStep, TopTab};

/// Which table is looked at, and where in it.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The table.
    pub tab: TopTab,
    /// What it is sorted by.
    pub sort: TopSort,
    /// Whether no further look is wanted.
    pub is_paused: bool,
    /// How many lines of the detail are above the screen; none while the table is shown.
    pub scroll: Option<usize>,
    /// The line that was selected in each table, by its key; none for whichever is first.
    selected: [Option<String>; TopTab::ALL.len()],
    /// Where it was, in case it goes away.
    places: [usize; TopTab::ALL.len()],
    extent: TopExtent,
}

impl View {
    /// The place of the selected line; none of no lines.
    pub fn selected(&self, rows: &[TopRow]) -> Option<usize> {
        let last = rows.len().checked_sub(1)?;
        let Some(key) = &self.selected[self.tab.index()] else {
            return Some(0);
        };
        let place = rows.iter().position(|row| row.key == *key);
        Some(place.unwrap_or(self.places[self.tab.index()].min(last)))
    }

    /// Notes how much of the screen there was, which keys that scroll go by.
    pub fn settle(&mut self, extent: TopExtent) {
        self.extent = extent;
        let end = extent.detail_lines.saturating_sub(extent.room);
        self.scroll = self.scroll.map(|it| it.min(end));
    }

    /// Does what a key means; `rows` are those of the table that is shown.
    pub fn press(&mut self, key: TopKey, rows: &[TopRow]) -> TopStep {
        match key {
            TopKey::Char('q') => return TopStep::Quit,
            TopKey::Left => return TopStep::Back,
            TopKey::Right | TopKey::Char(' ') => return TopStep::Forward,
            TopKey::Char('p') => self.is_paused = !self.is_paused,
            TopKey::Char('b') => self.sort = TopSort::Bytes,
            TopKey::Char('g') => self.sort = TopSort::Growth,
            TopKey::Char('n') => self.sort = TopSort::Name,
            TopKey::Char(digit @ '1'..='4') => self.go_to(digit as usize - '1' as usize),
            TopKey::Tab => self.go_to(self.tab.index() + 1),
            TopKey::BackTab => self.go_to(self.tab.index() + TopTab::ALL.len() - 1),
            TopKey::Escape => self.scroll = None,
            TopKey::Enter => self.enter(rows),
            TopKey::Char(_) => {}
            TopKey::Up | TopKey::Down | TopKey::PageUp | TopKey::PageDown => self.go(key, rows),
            TopKey::Home | TopKey::End => self.go(key, rows),
        }
        TopStep::Stay
    }

    fn go_to(&mut self, tab: usize) {
        let tabs = TopTab::ALL.iter().cycle();
        self.tab = tabs.copied().nth(tab).unwrap_or_default();
        self.scroll = None;
    }

    /// Into the selected line, which stays selected whatever becomes of the order.
    fn enter(&mut self, rows: &[TopRow]) {
        if let Some(place) = self.selected(rows) {
            self.scroll = Some(0);
            self.select(place, rows);
        }
    }

    fn go(&mut self, key: TopKey, rows: &[TopRow]) {
        if let Some(scroll) = self.scroll {
            let end = self.extent.detail_lines.saturating_sub(self.extent.room);
            self.scroll = Some(self.moved(key, scroll, end));
        } else if let Some(place) = self.selected(rows) {
            self.select(self.moved(key, place, rows.len() - 1), rows);
        }
    }

    fn moved(&self, key: TopKey, from: usize, last: usize) -> usize {
        let page = self.extent.room.max(1);
        let to = match key {
            TopKey::Up => from.saturating_sub(1),
            TopKey::Down => from.saturating_add(1),
            TopKey::PageUp => from.saturating_sub(page),
            TopKey::PageDown => from.saturating_add(page),
            TopKey::Home => 0,
            TopKey::End => last,
            _ => from,
        };
        to.min(last)
    }

    /// The first line is whichever comes first.
    fn select(&mut self, place: usize, rows: &[TopRow]) {
        let tab = self.tab.index();
        let is_kept = place > 0 || self.scroll.is_some();
        self.selected[tab] = rows.get(place).filter(|_| is_kept).map(|it| it.key.clone());
        self.places[tab] = place;
    }
}
