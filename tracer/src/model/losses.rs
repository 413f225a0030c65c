//! Loss accounting: everything a window did not see, or saw in part.

use serde::{Deserialize, Serialize};

/// What a window could not see, by cause. Events unless named otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Losses {
    /// Events the programs were called for, the lost ones included.
    pub events: u64,
    /// Events lost in whole or in part: recursion misses, frames out of range, nested allocations,
    /// stacks that could not be unwound, sites that found no room.
    pub lost_events: u64,
    /// Sum of `recursion_misses_by_program`, or none.
    pub recursion_misses: Option<u64>,
    /// Events the kernel kept from a program because one was running on that CPU already; none where
    /// the kernel does not count them (those of tracefs tracepoints before 6.7).
    pub recursion_misses_by_program: RecursionMisses,
    /// Pages in the table at the end that were free by then: their free was lost. Not in the report.
    /// None where pages could not be verified.
    pub phantom_pages: Option<u64>,
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
    /// Unfreed pages of those sites; they are in the report, without a stack.
    pub mismatched_pages: u64,
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
    /// How stacks were unwound by templates; none if the kernel unwound them all.
    pub templates: Option<TemplateUse>,
}

/// How stacks were unwound: events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
        Some(self.alloc? + self.free? + self.bulk.unwrap_or(0))
    }
}

impl Losses {
    /// Whether so much was lost that it must be said first: more than 1 % of all events.
    pub fn are_serious(&self) -> bool {
        self.lost_events * 100 > self.events
    }
}
