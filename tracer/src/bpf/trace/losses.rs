//! Loss accounting: what the programs counted, in a report's terms.

use tracer_ebpf::{Tally, TemplateTally};

use crate::model::{Losses, RecursionMisses, UnwindRuleUse};

impl From<TemplateTally> for UnwindRuleUse {
    fn from(tally: TemplateTally) -> Self {
        Self {
            hits: tally.hits,
            misses: tally.misses,
            checked: tally.checked,
            mismatched: tally.mismatched,
        }
    }
}

/// What the programs counted, and the kernel of them. What verification finds is yet
/// to come.
pub(super) fn losses(tally: &Tally, misses: RecursionMisses) -> Losses {
    let taken = tally.allocations();
    let out_of_range = taken.out_of_range + tally.free.out_of_range;
    let missed = misses.sum().unwrap_or(0);
    Losses {
        events: taken.events + tally.free.events + missed,
        recursion_misses: misses,
        missed_frees_at_end_pages: None,
        missed_frees_at_reuse_pages: taken.healed,
        site_table_full: taken.site_table_full,
        failed_unwinds: taken.failed_unwinds,
        unmatched_frees: tally.free.unmatched,
        out_of_range,
        failed_allocations: taken.failed,
        own_pages: taken.own_pages,
        unread_bulk_pages: Some(taken.unread_pages),
        unwind_rules: None,
    }
}

#[cfg(test)]
mod tests {
    use tracer_ebpf::{AllocationTally, FreeTally};

    use super::*;

    fn losses_with(misses: u64) -> Losses {
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
        losses(&tally, misses)
    }

    #[test]
    fn all_that_is_lost_is_added_up() {
        let losses = losses_with(10);
        assert_eq!((losses.events, losses.lost_events()), (1000, 13));
        assert_eq!(losses.recursion_misses.sum(), Some(10));
        assert!(losses.are_serious());
    }

    #[test]
    fn one_per_cent_is_not_serious() {
        assert!(!losses_with(6).are_serious());
        assert!(!Losses::default().are_serious());
    }

    #[test]
    fn what_the_kernel_does_not_count_is_unknown() {
        let tally = Tally::default();
        let losses = losses(&tally, RecursionMisses::default());
        assert_eq!(losses.recursion_misses.sum(), None);
    }
}
