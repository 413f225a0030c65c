//! The records in the other maps. All are `repr(C)`, without padding, and any
//! bit pattern is a value, so user space may read them while the kernel writes.

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
    /// The order of every allocation of this site.
    pub order: u32,
    /// The gfp flags of every allocation of this site, in the running kernel's values.
    pub gfp: u32,
    /// Process id (`tgid`, in the initial pid namespace) of the task that came here first.
    pub pid: u32,
    /// Name of the task that came here first, zero-terminated.
    pub comm: [u8; COMM_LEN],
}

/// What user space tells the programs while they run.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Control {
    /// The epoch that new slots are stamped with, at most [`LAST_EPOCH`](crate::LAST_EPOCH).
    pub epoch: u32,
}

/// What the programs count, one per CPU, never shared.
///
/// The free program can interrupt the allocation program on its CPU, so no
/// field is written by both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Tally {
    /// Pages marked by allocations.
    pub marked: u64,
    /// Pages cleared by frees.
    pub cleared: u64,
    /// Pages marked again without a free in between: the free was lost, the slot healed.
    pub healed: u64,
    /// Allocation events whose page was NULL: the allocation failed.
    pub failed_allocations: u64,
    /// Allocation events whose stack could not be unwound.
    pub failed_unwinds: u64,
    /// Allocation events that found no free site.
    pub site_table_full: u64,
    /// Free events that found no marked page: older than the window, or out of its scope.
    pub unmatched_frees: u64,
    /// Allocation events on a page frame or an order beyond the slot table.
    pub allocations_out_of_range: u64,
    /// Free events on a page frame or an order beyond the slot table.
    pub frees_out_of_range: u64,
}

impl Tally {
    /// Adds another CPU's counts.
    pub const fn add(&mut self, other: &Self) {
        self.marked += other.marked;
        self.cleared += other.cleared;
        self.healed += other.healed;
        self.failed_allocations += other.failed_allocations;
        self.failed_unwinds += other.failed_unwinds;
        self.site_table_full += other.site_table_full;
        self.unmatched_frees += other.unmatched_frees;
        self.allocations_out_of_range += other.allocations_out_of_range;
        self.frees_out_of_range += other.frees_out_of_range;
    }

    /// Pages outstanding: marked, and neither cleared nor marked a second time.
    pub const fn outstanding(&self) -> u64 {
        self.marked.saturating_sub(self.cleared + self.healed)
    }
}

const _: () = assert!(size_of::<Site>() == 1024);
const _: () = assert!(size_of::<Control>() == 4);
const _: () = assert!(size_of::<Tally>() == 72);
