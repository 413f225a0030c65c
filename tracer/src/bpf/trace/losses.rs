//! Loss accounting: what the programs counted, in a report's terms.

use tracer_ebpf::{Counters, UnwindCounters};

use crate::model::{Losses, RecursionMisses, UnwindRuleUse};

impl From<UnwindCounters> for UnwindRuleUse {
    fn from(counters: UnwindCounters) -> Self {
        Self {
            hits: counters.hits,
            misses: counters.misses,
            checked: counters.checked,
            mismatched: counters.mismatched,
        }
    }
}

/// What the programs counted, and the kernel of them. What verification finds is yet
/// to come.
pub(super) fn losses(counters: &Counters, misses: RecursionMisses) -> Losses {
    let (taken, freed) = (counters.allocations(), counters.frees());
    let out_of_range = taken.out_of_range + freed.out_of_range;
    let missed = misses.sum().unwrap_or(0);
    Losses {
        events: taken.events + freed.events + missed,
        recursion_misses: misses,
        missed_frees_at_end_pages: None,
        missed_frees_at_reuse_pages: taken.missed_frees,
        unknown_reference_pages: 0,
        unnamed_pages: 0,
        site_table_full: taken.site_table_full,
        failed_unwinds: taken.failed_unwinds,
        nested_allocations: taken.nested.iter().sum(),
        mismatched_sites: 0,
        unmatched_frees: freed.unmatched,
        out_of_range,
        failed_allocations: taken.failed,
        own_pages: taken.own_pages,
        unread_bulk_pages: Some(taken.unread_pages),
        unwind_rules: None,
    }
}

#[cfg(test)]
mod tests {
    use tracer_ebpf::{AllocationCounters, FreeCounters};

    use super::*;

    fn losses_with(misses: u64) -> Losses {
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
        losses(&counters, misses)
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
        let counters = Counters::default();
        let losses = losses(&counters, RecursionMisses::default());
        assert_eq!(losses.recursion_misses.sum(), None);
    }
}
