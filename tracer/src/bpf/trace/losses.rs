//! The error bar: everything a window did not see, or saw in part.

use serde::{Serialize, Serializer};
use tracer_ebpf::{Tally, TemplateTally};

/// What a window could not see, by cause. Events unless named otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Losses {
    /// Events the programs were called for, the lost ones included.
    pub events: u64,
    /// Events lost in whole or in part: recursion misses, frames out of range, stacks that could
    /// not be unwound, sites that found no room.
    pub lost_events: u64,
    /// Sum of `recursion_misses_by_program`, or none.
    pub recursion_misses: Option<u64>,
    /// Events the kernel kept from a program because it was running on that CPU already; none where
    /// the kernel does not count them (before 5.12).
    pub recursion_misses_by_program: RecursionMisses,
    /// Pages in the table at the end that were free by then: their free was lost. Not in the report.
    pub phantom_pages: u64,
    /// Pages that were taken again while in the table: their free was lost, and the table healed.
    pub healed_pages: u64,
    /// Allocations that found the site table full; their pages are in the report.
    pub site_table_full: u64,
    /// Allocations whose stack could not be unwound; their pages are in the report.
    pub failed_unwinds: u64,
    /// Frees of pages that were not marked: taken before the window, or not to be recorded.
    pub unmatched_frees: u64,
    /// Events on page frames or orders beyond the slot table.
    pub out_of_range: u64,
    /// Allocations that failed, and so took nothing.
    pub failed_allocations: u64,
    /// Pages that the tracer's own process took in the window; not in the report.
    pub own_pages: u64,
    /// Whether bulk allocations were seen.
    pub bulk: Bulk,
    /// Pages of very large bulk calls that were not looked at.
    pub unread_bulk_pages: u64,
    /// Why pages were not verified; none if they were.
    pub unverified: Option<String>,
    /// How stacks were unwound by templates; none if the kernel unwound them all.
    pub templates: Option<TemplateUse>,
}

/// How stacks were unwound: events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TemplateUse {
    /// Stacks unwound by templates.
    pub hits: u64,
    /// Stacks that the kernel unwound, as they were new or there was no template.
    pub misses: u64,
    /// Hits that the kernel unwound too, to compare.
    pub checked: u64,
    /// Those of them that the kernel unwound to another stack; their pages are where it says.
    pub mismatched: u64,
}

impl From<TemplateTally> for TemplateUse {
    fn from(tally: TemplateTally) -> Self {
        Self {
            hits: tally.hits,
            misses: tally.misses,
            checked: tally.checked,
            mismatched: tally.mismatched,
        }
    }
}

/// Events the kernel kept from each program; none where it does not count them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RecursionMisses {
    /// Of the program on `mm_page_alloc`.
    pub alloc: Option<u64>,
    /// Of the program on `mm_page_free`.
    pub free: Option<u64>,
    /// Of the program on the bulk allocator; none also where there is none.
    pub bulk: Option<u64>,
}

/// Whether the pages of the bulk allocator, which pass no tracepoint, were seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bulk {
    /// They were.
    Traced,
    /// They were not, and why.
    Untraced(String),
}

impl Default for Bulk {
    fn default() -> Self {
        Self::Untraced("not tried".to_owned())
    }
}

impl Serialize for Bulk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Traced => "traced",
            Self::Untraced(reason) => reason,
        })
    }
}

impl RecursionMisses {
    /// The sum; none where the kernel does not count.
    fn sum(&self) -> Option<u64> {
        Some(self.alloc? + self.free? + self.bulk.unwrap_or(0))
    }
}

impl Losses {
    /// What the programs counted, and the kernel of them. What verification
    /// finds is yet to come.
    pub(super) fn new(tally: &Tally, misses: RecursionMisses, bulk: Bulk) -> Self {
        let taken = tally.allocations();
        let out_of_range = taken.out_of_range + tally.free.out_of_range;
        let missed = misses.sum().unwrap_or(0);
        Self {
            events: taken.events + tally.free.events + missed,
            lost_events: missed + out_of_range + taken.failed_unwinds + taken.site_table_full,
            recursion_misses: misses.sum(),
            recursion_misses_by_program: misses,
            phantom_pages: 0,
            healed_pages: taken.healed,
            site_table_full: taken.site_table_full,
            failed_unwinds: taken.failed_unwinds,
            unmatched_frees: tally.free.unmatched,
            out_of_range,
            failed_allocations: taken.failed,
            own_pages: taken.own_pages,
            bulk,
            unread_bulk_pages: taken.unread_pages,
            unverified: None,
            templates: None,
        }
    }

    /// Whether so much was lost that it must be said first: more than 1 % of all events.
    pub fn are_serious(&self) -> bool {
        self.lost_events * 100 > self.events
    }
}

#[cfg(test)]
mod tests {
    use tracer_ebpf::{AllocationTally, FreeTally};

    use super::*;

    fn losses(misses: u64) -> Losses {
        let tally = Tally {
            alloc: AllocationTally {
                events: 500,
                failed_unwinds: 2,
                ..AllocationTally::default()
            },
            free: FreeTally {
                events: 490,
                out_of_range: 3,
                ..FreeTally::default()
            },
            ..Tally::default()
        };
        let misses = RecursionMisses {
            alloc: Some(1),
            free: Some(misses - 1),
            bulk: None,
        };
        Losses::new(&tally, misses, Bulk::Traced)
    }

    #[test]
    fn all_that_is_lost_is_added_up() {
        let losses = losses(10);
        assert_eq!((losses.events, losses.lost_events), (1000, 15));
        assert_eq!(losses.recursion_misses, Some(10));
        assert!(losses.are_serious());
    }

    #[test]
    fn one_per_cent_is_not_serious() {
        assert!(!losses(4).are_serious());
        assert!(!Losses::default().are_serious());
    }

    #[test]
    fn what_the_kernel_does_not_count_is_unknown() {
        let tally = Tally::default();
        let losses = Losses::new(&tally, RecursionMisses::default(), Bulk::Traced);
        assert_eq!(losses.recursion_misses, None);
    }
}
