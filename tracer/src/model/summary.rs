//! What is shown of a report: computed from it and a selection, never read back.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Context, HeldPages, Kind, KnownOwner, Seconds, Selection, Trend};

/// What is shown of a report under one selection.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// What was asked for.
    pub selection: Selection,
    /// Sums over all sites.
    pub totals: Totals,
    /// The ranking, largest first. Its pages are those that the selection asked for.
    pub entries: Vec<Entry>,
}

/// Sums over all sites.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Totals {
    /// Pages taken in the window, not freed, and old enough.
    pub unfreed_pages: u64,
    /// The same in bytes.
    pub unfreed_bytes: u64,
    /// The same by kind.
    pub kinds: BTreeMap<Kind, u64>,
    /// Those of them that are ranked: of the kinds, and in the module, that were asked for.
    pub ranked_pages: u64,
    /// The same in bytes.
    pub ranked_bytes: u64,
    /// The same by kind.
    pub ranked_kinds: BTreeMap<Kind, u64>,
    /// Those of the ranked pages that have no stack.
    pub stackless_pages: u64,
    /// Unfreed pages that `--min-age` left out.
    pub too_young_pages: u64,
    /// Call sites with ranked pages.
    pub sites: usize,
    /// Sustained growth of the ranked pages.
    pub growth_bytes_per_second: u64,
    /// What was taken in the drain and is in no other number, if that growth went on.
    pub drain_estimate_bytes: u64,
    /// Events of which nothing is known.
    pub lost_events: u64,
}

/// One line of the ranking: the call sites of one function, or a single one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// Its place, from 1.
    pub rank: usize,
    /// The function that asked for the pages, or what is known instead.
    pub owner: String,
    /// The module of `owner`; none for the kernel proper.
    pub module: Option<String>,
    /// Who took the pages: tasks, interrupts, or both.
    pub contexts: BTreeSet<Context>,
    /// Its pages.
    pub pages: u64,
    /// The same in bytes.
    pub bytes: u64,
    /// The same by kind.
    pub kinds: BTreeMap<Kind, u64>,
    /// The same by the order of their allocation.
    pub orders: BTreeMap<u32, u64>,
    /// Pages that its sites took in the window, the freed ones included.
    pub allocated_pages: u64,
    /// Sustained growth: the median over the slices of the recording of what each left behind. A
    /// burst or a pool that renews itself has none.
    pub growth_bytes_per_second: u64,
    /// Whether that goes on, of its pages of whatever age; none beyond the first thousand entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub growth: Option<Trend>,
    /// Its pages by age, oldest first.
    pub age_histogram: Vec<AgeBucket>,
    /// Who has pages of its sites now, most pages first, whatever their kind and age.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub held_by: Vec<HeldPages>,
    /// What is known of whoever takes pages by the stack of its largest site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known: Option<&'static KnownOwner>,
    /// Its call sites, most pages first.
    pub sites: Vec<Share>,
}

/// What one call site has of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Share {
    /// The index of the site in the report.
    pub site: usize,
    /// Its pages that are ranked.
    pub pages: u64,
}

/// Pages of one range of ages at the end of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AgeBucket {
    /// The youngest age in the range.
    pub from_seconds: Seconds,
    /// The oldest age in the range.
    pub to_seconds: Seconds,
    /// Pages of that age.
    pub pages: u64,
}

impl Summary {
    /// Pages that are out and not ranked, by kind.
    pub fn unranked_pages(&self) -> BTreeMap<Kind, u64> {
        let totals = &self.totals;
        let ranked = |kind| totals.ranked_kinds.get(kind).copied().unwrap_or(0);
        let kinds = totals.kinds.iter();
        let left = kinds.map(|(kind, pages)| (*kind, pages - ranked(kind)));
        left.filter(|&(_, pages)| pages > 0).collect()
    }
}
