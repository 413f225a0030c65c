//! The error bar: everything a window did not see, or saw in part.

use serde::{Serialize, Serializer};
use tracer_ebpf::{Counters, UnwindCounters};

/// What a window could not see, by cause. Events unless named otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Losses {
    /// Events the programs were called for, the lost ones included.
    pub events: u64,
    /// Events lost in whole or in part: recursion misses, frames out of range, nested allocations,
    /// stacks that could not be unwound, sites that found no room.
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
    /// Allocations by an interrupt in the middle of the program's run for another, as kernels
    /// before 6.1 let it happen; their pages are in the report, without a stack.
    pub nested_allocations: u64,
    /// Sites whose record does not match the key that they are found by.
    pub mismatched_sites: u64,
    /// Unfreed pages of those sites; they are in the report, without a stack. What the report
    /// finds is yet to come.
    pub mismatched_pages: u64,
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
    /// Pages of bulk calls that could not be told from those that were there before, at most: of
    /// very large calls, and of calls whose beginning was not seen.
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

impl From<UnwindCounters> for TemplateUse {
    fn from(counters: UnwindCounters) -> Self {
        Self {
            hits: counters.hits,
            misses: counters.misses,
            checked: counters.checked,
            mismatched: counters.mismatched,
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
    pub(super) fn new(counters: &Counters, misses: RecursionMisses, bulk: Bulk) -> Self {
        let (taken, freed) = (counters.allocations(), counters.frees());
        let out_of_range = taken.out_of_range + freed.out_of_range;
        let nested_allocations = taken.nested.iter().sum();
        let missed = misses.sum().unwrap_or(0);
        let nameless = nested_allocations + taken.failed_unwinds + taken.site_table_full;
        Self {
            events: taken.events + freed.events + missed,
            lost_events: missed + out_of_range + nameless,
            recursion_misses: misses.sum(),
            recursion_misses_by_program: misses,
            phantom_pages: 0,
            healed_pages: taken.healed,
            site_table_full: taken.site_table_full,
            failed_unwinds: taken.failed_unwinds,
            nested_allocations,
            mismatched_sites: 0,
            mismatched_pages: 0,
            unmatched_frees: freed.unmatched,
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
    use tracer_ebpf::{AllocationCounters, FreeCounters};

    use super::*;

    fn losses(misses: u64) -> Losses {
        let mut counters = Counters::default();
        counters.alloc.levels[0] = AllocationCounters {
            events: 499,
            failed_unwinds: 1,
            ..AllocationCounters::default()
        };
        counters.alloc.levels[1].events = 1;
        counters.alloc.levels[1].nested[3] = 1;
        counters.free.levels[0] = FreeCounters {
            events: 490,
            out_of_range: 3,
            ..FreeCounters::default()
        };
        let misses = RecursionMisses {
            alloc: Some(1),
            free: Some(misses - 1),
            bulk: None,
        };
        Losses::new(&counters, misses, Bulk::Traced)
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
        let counters = Counters::default();
        let losses = Losses::new(&counters, RecursionMisses::default(), Bulk::Traced);
        assert_eq!(losses.recursion_misses, None);
    }
}
