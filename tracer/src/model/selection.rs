//! Which pages count, and in which order sites come.

use std::{collections::BTreeSet, time::Duration};

use super::{Choice, Kind};

/// What the sites are ranked by, the largest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// Which pages count, and in which order sites come.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// What the sites are ranked by.
    pub sort: SortKey,
    /// Pages that may be younger than this are left out.
    pub min_age: Duration,
    /// The kinds of pages to rank.
    pub kinds: BTreeSet<Kind>,
    /// The module that a function of a ranked site's stack must be in.
    pub module: Option<String>,
}
