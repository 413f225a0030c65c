//! Loss accounting: everything a window did not see, or saw in part.

use serde::{Deserialize, Serialize};

/// What a window could not see, by cause. Events unless named otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Losses {
    /// Events the programs were called for, the lost ones included.
    pub events: u64,
    /// Events the kernel kept from a program because one was running on that CPU already.
    pub recursion_misses: RecursionMisses,
    /// Pages that were marked and yet free at the end: their free was lost. They are in no site.
    /// None where pages could not be verified.
    pub missed_frees_at_end_pages: Option<u64>,
    /// Pages that were taken again while marked: their free was lost. They are where they were
    /// taken last.
    pub missed_frees_at_reuse_pages: u64,
    /// Unfreed pages that may be free, as whether somebody holds them could not be looked up;
    /// they are in the report as unverified.
    pub unknown_reference_pages: u64,
    /// Unfreed pages that may be accounted for (vmalloc, per-CPU memory, large kmallocs), as nothing
    /// on their stacks has a name; they are in the report as unverified.
    pub unnamed_pages: u64,
    /// Allocations that found the site table full; their pages are in the report.
    pub site_table_full: u64,
    /// Allocations whose stack could not be unwound; their pages are in the report.
    pub failed_unwinds: u64,
    /// Allocations by an interrupt in the middle of the program's run for another, as kernels
    /// before 6.1 let it happen; their pages are in the report, without a stack.
    pub nested_allocations: u64,
    /// Sites whose record does not match the key that they are found by; their pages are in the
    /// report, without a stack.
    pub mismatched_sites: u64,
    /// Frees of pages that were not marked: taken before the window, or not to be recorded.
    pub unmatched_frees: u64,
    /// Events on page frames or orders beyond the slot table.
    pub out_of_range: u64,
    /// Allocations that failed, and so took nothing.
    pub failed_allocations: u64,
    /// Pages that the tracer's own process took in the window; not in the report.
    pub own_pages: u64,
    /// Pages of bulk calls that could not be told from those that were there before, at most: of
    /// very large calls, and of calls whose beginning was not seen; none where no bulk call was.
    pub unread_bulk_pages: Option<u64>,
    /// How stacks were unwound by unwind rules; none if the kernel unwound them all.
    pub unwind_rules: Option<UnwindRuleUse>,
}

/// How stacks were unwound: events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnwindRuleUse {
    /// Stacks unwound by unwind rules.
    pub hits: u64,
    /// Stacks that the kernel unwound, as they were new or there was no rule.
    pub misses: u64,
    /// Hits that the kernel unwound too, to compare.
    pub checked: u64,
    /// Those of them that the kernel unwound to another stack; their pages are where it says.
    pub mismatched: u64,
}

/// Events the kernel kept from each program; none where it does not count them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecursionMisses {
    /// Of the program on `mm_page_alloc`.
    pub alloc: Option<u64>,
    /// Of the program on `mm_page_free`.
    pub free: Option<u64>,
    /// Of the program on the bulk allocator; none also where there is none.
    pub bulk: Option<u64>,
}

impl RecursionMisses {
    /// The sum; none where the kernel does not count.
    pub fn sum(&self) -> Option<u64> {
        let both = self.alloc?.saturating_add(self.free?);
        Some(both.saturating_add(self.bulk.unwrap_or(0)))
    }
}

impl Losses {
    /// Events of which nothing is known. Where only the stack is missing, the pages are counted,
    /// and the event is not lost.
    pub fn lost_events(&self) -> u64 {
        let missed = self.recursion_misses.sum().unwrap_or(0);
        missed.saturating_add(self.out_of_range)
    }

    /// Whether most events that were lost are of page frames without a slot, which only memory added
    /// after the start is.
    pub fn are_of_added_memory(&self) -> bool {
        self.out_of_range > self.lost_events() / 2
    }

    /// Whether so many events were lost that it must be said first: more than 1 %.
    pub fn are_serious(&self) -> bool {
        self.lost_events().saturating_mul(100) > self.events
    }
}
