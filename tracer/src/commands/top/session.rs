//! What is shown, and how it came about.

use std::time::Duration;

use anyhow::Error;

use crate::{
    analysis::top::{History, Point, Tables, View, detail},
    model::{KindChoice, Look, TopExtent, TopKey, TopPosition, TopScreen, TopStep},
    render,
};

/// The look that is shown, its tables, what was before it, and where the user is in them.
pub(super) struct Session {
    look: Look,
    tables: Tables,
    history: History,
    view: View,
    kinds: Vec<KindChoice>,
    interval: Duration,
    position: Option<TopPosition>,
    complaint: Option<String>,
    is_complaint_for_good: bool,
}

impl Session {
    pub(super) fn of(look: Look, kinds: &[KindChoice], interval: Duration) -> Self {
        Self {
            tables: Tables::of(&look, kinds),
            look,
            history: History::default(),
            view: View::default(),
            kinds: kinds.to_vec(),
            interval,
            position: None,
            complaint: None,
            is_complaint_for_good: false,
        }
    }

    pub(super) const fn look(&self) -> &Look {
        &self.look
    }

    pub(super) const fn is_paused(&self) -> bool {
        self.view.is_paused
    }

    /// Shows another look, whose history follows.
    pub(super) fn show(&mut self, look: Look) {
        self.tables = Tables::of(&look, &self.kinds);
        self.look = look;
        if !self.is_complaint_for_good {
            self.complaint = None;
        }
    }

    /// Adds the look that is shown to the history.
    pub(super) fn remember(&mut self) {
        self.history.push(Point::of(&self.look, &self.tables));
        self.order();
    }

    /// Has the history of a recording in place of it.
    pub(super) fn recall(&mut self, history: History, position: TopPosition) {
        // A recording waits for the user at its beginning.
        self.view.is_paused |= self.position.is_none() || position.number == position.of;
        self.history = history;
        self.position = Some(position);
        self.order();
    }

    fn order(&mut self) {
        self.history.describe(&mut self.tables);
        self.tables.sort(self.view.sort);
    }

    /// Says until the next look why there is none.
    pub(super) fn complain(&mut self, error: &Error) {
        if !self.is_complaint_for_good {
            let sentence = render::sentence(error);
            self.complaint = Some(format!("No later look: {sentence}"));
        }
    }

    /// Says to the end what went wrong.
    pub(super) fn complain_for_good(&mut self, error: &Error) {
        self.complaint = Some(render::sentence(error));
        self.is_complaint_for_good = true;
    }

    pub(super) fn press(&mut self, key: TopKey) -> TopStep {
        let sort = self.view.sort;
        let step = self.view.press(key, self.tables.rows(self.view.tab));
        if self.view.sort != sort {
            self.tables.sort(self.view.sort);
        }
        step
    }

    pub(super) fn settle(&mut self, extent: TopExtent) {
        self.view.settle(extent);
    }

    pub(super) fn screen(&self) -> TopScreen<'_> {
        let (view, tab) = (&self.view, self.view.tab);
        let rows = self.tables.rows(tab);
        let selected = view.selected(rows);
        let row = selected.and_then(|it| rows.get(it));
        let row = row.filter(|_| view.scroll.is_some());
        TopScreen {
            look: &self.look,
            unaccounted_change_bytes: self.history.unaccounted_change_bytes(),
            tab,
            sort: view.sort,
            rows,
            selected,
            detail: row.and_then(|row| detail(&self.look, &self.tables, tab, row)),
            scroll: view.scroll.unwrap_or(0),
            is_paused: view.is_paused,
            interval: self.interval,
            position: self.position,
            complaint: self.complaint.as_deref(),
        }
    }
}
