//! What the programs count, one record per CPU, never shared.
//!
//! A counter is a `u64` to user space, which reads copies; to the programs it is an atomic
//! word, as user space may read it at any time.

use crate::MAX_ORDER;

/// How deep a program can be inside itself on one CPU: a task's run, a softirq's in the
/// middle of that, an interrupt's, an NMI's.
pub const LEVELS: usize = 4;

/// A power of two that is more than there are orders.
pub const ORDERS: usize = 16;

/// All counters of a CPU. The programs can interrupt each other, so each has a part of
/// its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Counters<C = u64> {
    /// Of the program on `mm_page_alloc`.
    pub alloc: Nested<AllocationCounters<C>, C>,
    /// Of the program on `mm_page_free`.
    pub free: Nested<FreeCounters<C>, C>,
    /// Of the programs on the bulk allocator, which the kernel never runs inside themselves.
    pub bulk: AllocationCounters<C>,
    /// Of the stacks that the program on `mm_page_alloc` unwound.
    pub unwind: UnwindCounters<C>,
}

/// The counters of a program that can interrupt itself: each level counts for itself, so
/// that no run takes back what one in its middle has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Nested<T, C = u64> {
    /// How many runs of the program are under way on this CPU.
    pub depth: C,
    /// The counters of the outermost run, of one in its middle, and so on.
    pub levels: [T; LEVELS],
}

/// What a program that marks pages counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct AllocationCounters<C = u64> {
    /// Allocations that were to be recorded and did not fail.
    pub events: C,
    /// Pages marked.
    pub pages: C,
    /// Pages marked again without a free in between: the free was missed.
    pub missed_frees: C,
    /// Allocations whose page was NULL: they failed.
    pub failed: C,
    /// Allocations whose stack could not be unwound.
    pub failed_unwinds: C,
    /// Allocations that found no free site.
    pub site_table_full: C,
    /// Allocations of a page frame or an order beyond the slot table.
    pub out_of_range: C,
    /// Pages that the tracer's own process took; they are not marked.
    pub own_pages: C,
    /// Pages of bulk calls that could not be told from those that were there before, at most.
    pub unread_pages: C,
    /// Allocations in the middle of the program's run for another, by order: their stack was
    /// not unwound.
    pub nested: [C; ORDERS],
}

/// What the program that clears pages counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct FreeCounters<C = u64> {
    /// Frees.
    pub events: C,
    /// Marked pages cleared.
    pub pages: C,
    /// Frees that found no marked page: older than the window, or not to be recorded.
    pub unmatched: C,
    /// Frees of a page frame or an order beyond the slot table.
    pub out_of_range: C,
}

/// How stacks were unwound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct UnwindCounters<C = u64> {
    /// By rules, to a stack that the kernel had unwound before.
    pub hits: C,
    /// By the kernel, as there was no rule or no such stack yet.
    pub misses: C,
    /// Hits that the kernel unwound too, to compare.
    pub checked: C,
    /// Those of them that it unwound to another stack.
    pub mismatched: C,
    /// Hits until the next that is checked; 0 if that has yet to be drawn.
    pub until_check: C,
}

impl Counters {
    /// Adds another CPU's counts.
    pub fn add(&mut self, other: &Self) {
        for (sum, other) in self.alloc.levels.iter_mut().zip(&other.alloc.levels) {
            sum.add(other);
        }
        for (sum, other) in self.free.levels.iter_mut().zip(&other.free.levels) {
            sum.add(other);
        }
        self.bulk.add(&other.bulk);
        self.unwind.add(&other.unwind);
    }

    /// Both kinds of allocations together.
    pub fn allocations(&self) -> AllocationCounters {
        let mut sum = self.bulk;
        self.alloc.levels.iter().for_each(|level| sum.add(level));
        sum
    }

    /// All frees.
    pub fn frees(&self) -> FreeCounters {
        let mut sum = FreeCounters::default();
        self.free.levels.iter().for_each(|level| sum.add(level));
        sum
    }

    /// Pages outstanding: marked, and neither cleared nor marked a second time.
    pub fn outstanding(&self) -> u64 {
        let taken = self.allocations();
        taken
            .pages
            .saturating_sub(self.frees().pages + taken.missed_frees)
    }
}

impl AllocationCounters {
    fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.pages += other.pages;
        self.missed_frees += other.missed_frees;
        self.failed += other.failed;
        self.failed_unwinds += other.failed_unwinds;
        self.site_table_full += other.site_table_full;
        self.out_of_range += other.out_of_range;
        self.own_pages += other.own_pages;
        self.unread_pages += other.unread_pages;
        for (sum, other) in self.nested.iter_mut().zip(&other.nested) {
            *sum += other;
        }
    }
}

impl FreeCounters {
    const fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.pages += other.pages;
        self.unmatched += other.unmatched;
        self.out_of_range += other.out_of_range;
    }
}

impl UnwindCounters {
    const fn add(&mut self, other: &Self) {
        self.hits += other.hits;
        self.misses += other.misses;
        self.checked += other.checked;
        self.mismatched += other.mismatched;
    }
}

const _: () = assert!(size_of::<Counters>() == 8 * (2 + LEVELS * (25 + 4) + 25 + 5));
const _: () = assert!(ORDERS.is_power_of_two() && ORDERS > MAX_ORDER as usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_counts() {
        let mut one = Counters::default();
        for (level, pages) in one.alloc.levels.iter_mut().zip([1, 10, 100, 1000]) {
            level.pages = pages;
        }
        one.bulk.pages = 10_000;
        one.free.levels[2].pages = 5;
        let mut sum = Counters::default();
        sum.add(&one);
        sum.add(&one);
        assert_eq!(sum.allocations().pages, 2 * 11_111);
        assert_eq!(sum.frees().pages, 2 * 5);
        assert_eq!(sum.outstanding(), 2 * 11_106);
    }
}
