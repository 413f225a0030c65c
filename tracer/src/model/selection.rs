//! What is asked of a report: which pages count, and in which order their takers come.

use std::{collections::BTreeSet, time::Duration};

use serde::Serialize;

use super::{Choice, Kind, Seconds, Takers};

/// What is one entry of the ranking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupBy {
    /// All call sites of one function.
    #[default]
    Function,
    /// One stack.
    Stack,
    /// All call sites of one process.
    Process,
    /// All call sites of one cgroup.
    Cgroup,
}

impl GroupBy {
    /// Whom a trace must have told apart, if anybody.
    pub const fn takers(self) -> Option<Takers> {
        match self {
            Self::Function | Self::Stack => None,
            Self::Process => Some(Takers::Process),
            Self::Cgroup => Some(Takers::Cgroup),
        }
    }
}

impl Choice for GroupBy {
    const ALL: &'static [Self] = &[Self::Function, Self::Stack, Self::Process, Self::Cgroup];

    fn name(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Stack => "stack",
            Self::Process => "process",
            Self::Cgroup => "cgroup",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Function => "All call sites of one function",
            Self::Stack => "Each call site by itself",
            Self::Process => "All that a process took; recorded only if the trace is asked for it",
            Self::Cgroup => {
                "All that the tasks of a cgroup (v2) took; recorded only if the trace is asked for it"
            }
        }
    }
}

/// What stands at the root of a folded stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FoldedBy {
    /// The stack's own first function.
    #[default]
    Stack,
    /// Who has the pages.
    Holder,
}

impl Choice for FoldedBy {
    const ALL: &'static [Self] = &[Self::Stack, Self::Holder];

    fn name(self) -> &'static str {
        match self {
            Self::Stack => "stack",
            Self::Holder => "holder",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Stack => "The stack alone",
            Self::Holder => "Who has the pages at the end, and then the stack",
        }
    }
}

/// What the entries are ranked by, the largest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SortKey {
    /// Unfreed bytes.
    #[default]
    Bytes,
    /// Unfreed pages.
    Pages,
    /// Sustained growth.
    Growth,
}

impl Choice for SortKey {
    const ALL: &'static [Self] = &[Self::Bytes, Self::Pages, Self::Growth];

    fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Pages => "pages",
            Self::Growth => "growth",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Bytes => "Unfreed bytes",
            Self::Pages => "Unfreed pages",
            Self::Growth => "Sustained growth",
        }
    }
}

/// Which pages count, and in which order their takers come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Selection {
    /// What is one entry.
    pub by: GroupBy,
    /// What the entries are ranked by.
    pub sort: SortKey,
    /// Pages that may be younger than this at the end of the window are left out.
    pub min_age_seconds: Seconds,
    /// The kinds of pages to rank.
    pub kinds: BTreeSet<Kind>,
    /// The module that a function of a ranked site's stack must be in.
    pub module: Option<String>,
}

impl Selection {
    /// Pages that may be younger than this at the end of the window are left out.
    pub const fn min_age(&self) -> Duration {
        self.min_age_seconds.duration()
    }
}
