//! What the screen of `pagetrace top` shows: computed from looks, never written down.

use std::{collections::BTreeMap, time::Duration};

use super::{Entry, Kind, Look, TrendVerdict};

/// What the lines of the table are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TopTab {
    /// Functions that took page frames.
    #[default]
    Sites,
    /// Who has them.
    Holders,
    /// Processes.
    Processes,
    /// Kinds of page frames.
    Kinds,
}

/// What the lines are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TopSort {
    /// Most bytes first.
    #[default]
    Bytes,
    /// What grows fastest first.
    Growth,
    /// By name.
    Name,
}

/// A key that means something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopKey {
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// One look back.
    Left,
    /// One look on.
    Right,
    /// A screen up.
    PageUp,
    /// A screen down.
    PageDown,
    /// To the first line.
    Home,
    /// To the last line.
    End,
    /// Into the line.
    Enter,
    /// Back.
    Escape,
    /// The next table.
    Tab,
    /// The table before.
    BackTab,
    /// A letter, a digit, or space.
    Char(char),
}

/// What a key asks of whoever shows the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopStep {
    /// To draw it again.
    Stay,
    /// To show the look before.
    Back,
    /// To show the next look.
    Forward,
    /// To end.
    Quit,
}

/// One line of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopRow {
    /// What tells it from others, at another moment as well.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// The module of a function; none for the kernel proper.
    pub module: Option<String>,
    /// Its bytes.
    pub bytes: u64,
    /// Its pages, by kind; empty of what is not counted in kinds.
    pub kinds: BTreeMap<Kind, u64>,
    /// Bytes of it in page frames that the kernel took: of a process.
    pub held_bytes: Option<u64>,
    /// Whether it goes on growing; none where that is not judged.
    pub trend: Option<TrendVerdict>,
    /// Who has most of it.
    pub holder: Option<String>,
    /// Its change since the first look; none if it was not seen then.
    pub change_bytes: Option<i64>,
    /// Its growth over the last looks; none before the second.
    pub bytes_per_second: Option<i64>,
    /// Its bytes at each of the last looks, oldest first; none where it was not seen.
    pub history: Vec<Option<u64>>,
}

impl TopRow {
    /// How many pages it has.
    pub fn pages(&self) -> u64 {
        self.kinds.values().copied().fold(0, u64::saturating_add)
    }
}

/// What a line consists of.
#[derive(Clone, Debug, PartialEq)]
pub enum TopDetail<'a> {
    /// A function, with its stack and whoever has its pages.
    Site(&'a Entry),
    /// Anything else: the largest first, each with its bytes.
    Parts {
        /// The line.
        row: &'a TopRow,
        /// Its parts.
        parts: Vec<(u64, String)>,
    },
}

/// The position in a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopPosition {
    /// Which look is shown, from 1.
    pub number: usize,
    /// Of how many.
    pub of: usize,
}

/// All that is on the screen.
#[derive(Clone, Debug, PartialEq)]
pub struct TopScreen<'a> {
    /// What was seen.
    pub look: &'a Look,
    /// By how much what no counter accounts for has changed since the first look.
    pub unaccounted_change_bytes: Option<i64>,
    /// Which table is shown.
    pub tab: TopTab,
    /// What it is sorted by.
    pub sort: TopSort,
    /// Its lines.
    pub rows: &'a [TopRow],
    /// Which of them is selected; none of no lines.
    pub selected: Option<usize>,
    /// What the selected line consists of, if that is shown instead of the table.
    pub detail: Option<TopDetail<'a>>,
    /// How many lines of the detail are above the screen.
    pub scroll: usize,
    /// Whether no further look is taken.
    pub is_paused: bool,
    /// How often a look is taken.
    pub interval: Duration,
    /// Which look of a recording this is; none while the machine is watched.
    pub position: Option<TopPosition>,
    /// Why there is no later look.
    pub complaint: Option<&'a str>,
}

/// How much of a screen there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TopExtent {
    /// Lines that the table or the detail has room for.
    pub room: usize,
    /// Lines of the detail.
    pub detail_lines: usize,
}

impl TopTab {
    /// In their order.
    pub const ALL: [Self; 4] = [Self::Sites, Self::Holders, Self::Processes, Self::Kinds];

    /// Its place among them.
    pub const fn index(self) -> usize {
        self as usize
    }
}
