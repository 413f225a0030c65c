//! The records in the other maps. All are `repr(C)`, without padding, and any
//! bit pattern is a value, so user space may read them while the kernel writes.

use crate::unwind::UnwindControl;

/// Return addresses kept per stack. The kernel's own limit
/// (`kernel.perf_event_max_stack`) is 127 by default; three fewer make a
/// [`Site`] exactly 1024 bytes.
pub const MAX_FRAMES: usize = 124;

/// Length of a task's name, the terminating zero included (`TASK_COMM_LEN`).
pub const COMM_LEN: usize = 16;

/// A call site: one kernel stack that took pages with one order and one set of gfp flags.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Site {
    /// Return addresses, innermost first; the first few belong to the tracer itself.
    pub frames: [u64; MAX_FRAMES],
    /// How many of `frames` are valid.
    pub depth: u32,
    /// The order of every allocation of this site, or [`BULK`](crate::BULK).
    pub order: u32,
    /// The gfp flags of every allocation of this site, in the running kernel's values.
    pub gfp: u32,
    /// Process id (`tgid`, in the initial pid namespace) of the task that came here first.
    pub pid: u32,
    /// Name of the task that came here first, zero-terminated.
    pub comm: [u8; COMM_LEN],
}

/// What user space tells the programs while they run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Control {
    /// The epoch that new slots are stamped with, at most [`LAST_EPOCH`](crate::LAST_EPOCH).
    pub epoch: u32,
    /// How stacks are unwound by rules.
    pub unwind: UnwindControl,
}

/// Pages of stack in a [`Sample`]: all that one can have.
pub const SAMPLE_PAGES: usize = 4;

/// A stack that the rules did not lead through, for user space to learn from.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Sample {
    /// Return addresses as the kernel unwound them, innermost first.
    pub frames: [u64; MAX_FRAMES],
    /// How many of `frames` are valid.
    pub depth: u64,
    /// Address of the program's context, on the stack's first page.
    pub context: u64,
    /// How many of `pages` are valid.
    pub copied: u64,
    /// The pages of the stack from the one with the context on.
    pub pages: [[u64; 512]; SAMPLE_PAGES],
}

/// What the programs count, one per CPU, never shared.
///
/// They can interrupt each other on a CPU, so each has a part of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Tally {
    /// Of the program on `mm_page_alloc`.
    pub alloc: AllocationTally,
    /// Of the program on the bulk allocator.
    pub bulk: AllocationTally,
    /// Of the program on `mm_page_free`.
    pub free: FreeTally,
    /// Of the stacks that the program on `mm_page_alloc` unwound.
    pub templates: TemplateTally,
}

/// How stacks were unwound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct TemplateTally {
    /// By templates, to a stack that the kernel had unwound before.
    pub hits: u64,
    /// By the kernel, as there was no template or no such stack yet.
    pub misses: u64,
    /// Hits that the kernel unwound too, to compare.
    pub checked: u64,
    /// Those of them that it unwound to another stack.
    pub mismatched: u64,
    /// Hits since the last that was checked.
    pub since_check: u64,
}

/// What a program that marks pages counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct AllocationTally {
    /// Allocations that were to be recorded and did not fail.
    pub events: u64,
    /// Pages marked.
    pub pages: u64,
    /// Pages marked again without a free in between: the free was lost, the slot healed.
    pub healed: u64,
    /// Allocations whose page was NULL: they failed.
    pub failed: u64,
    /// Allocations whose stack could not be unwound.
    pub failed_unwinds: u64,
    /// Allocations that found no free site.
    pub site_table_full: u64,
    /// Allocations of a page frame or an order beyond the slot table.
    pub out_of_range: u64,
    /// Pages that the tracer's own process took; they are not marked.
    pub own_pages: u64,
    /// Pages of bulk calls larger than [`BULK_PAGES`](crate::BULK_PAGES), which were not looked at.
    pub unread_pages: u64,
}

/// What the program that clears pages counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct FreeTally {
    /// Frees.
    pub events: u64,
    /// Marked pages cleared.
    pub pages: u64,
    /// Frees that found no marked page: older than the window, or not to be recorded.
    pub unmatched: u64,
    /// Frees of a page frame or an order beyond the slot table.
    pub out_of_range: u64,
}

impl Tally {
    /// Adds another CPU's counts.
    pub const fn add(&mut self, other: &Self) {
        self.alloc.add(&other.alloc);
        self.bulk.add(&other.bulk);
        self.free.events += other.free.events;
        self.free.pages += other.free.pages;
        self.free.unmatched += other.free.unmatched;
        self.free.out_of_range += other.free.out_of_range;
        self.templates.hits += other.templates.hits;
        self.templates.misses += other.templates.misses;
        self.templates.checked += other.templates.checked;
        self.templates.mismatched += other.templates.mismatched;
    }

    /// Both kinds of allocations together.
    pub const fn allocations(&self) -> AllocationTally {
        let mut sum = self.alloc;
        sum.add(&self.bulk);
        sum
    }

    /// Pages outstanding: marked, and neither cleared nor marked a second time.
    pub const fn outstanding(&self) -> u64 {
        let taken = self.allocations();
        taken.pages.saturating_sub(self.free.pages + taken.healed)
    }
}

impl AllocationTally {
    const fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.pages += other.pages;
        self.healed += other.healed;
        self.failed += other.failed;
        self.failed_unwinds += other.failed_unwinds;
        self.site_table_full += other.site_table_full;
        self.out_of_range += other.out_of_range;
        self.own_pages += other.own_pages;
        self.unread_pages += other.unread_pages;
    }
}

const _: () = assert!(size_of::<Site>() == 1024);
const _: () = assert!(size_of::<Control>() == 20);
const _: () = assert!(size_of::<Sample>() == 992 + 24 + SAMPLE_PAGES * 4096);
const _: () = assert!(size_of::<Tally>() == 2 * 72 + 32 + 40);
