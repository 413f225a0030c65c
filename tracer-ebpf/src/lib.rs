//! What the kernel side and user space of pagetrace agree on: the words of the
//! slot table, the records in the maps, and the names of maps, programs and
//! load-time constants.
//!
//! This crate has no dependency and knows neither aya nor the kernel, so both
//! sides can use it. The programs themselves are in `main.rs` and are built
//! only for the BPF target.

#![no_std]

mod counters;
pub mod key;
mod records;
mod site;
mod slot;
mod template;

pub use counters::{
    AllocationCounters, Counters, FreeCounters, LEVELS, Nested, ORDERS, UnwindCounters,
};
pub use records::{Control, SAMPLE_PAGES, Sample};
pub use site::{COMM_LEN, Code, InterruptCode, MAX_FRAMES, SKIPPED_FRAMES, Site, SiteKey};
pub use slot::{
    BULK, CHUNK_SLOTS, Chunk, FIRST_SITE, LAST_EPOCH, MAX_ORDER, MAX_SITES, SITE_TABLE_FULL,
    STACK_LOST, SiteId, Slot, order,
};
pub use template::{
    RUN, STACK_SIZE, TEMPLATES, Template, Templates, WAYS, code, first_way, registers,
};

/// Names of the maps, as user space finds them in the object.
pub mod maps {
    /// One [`Chunk`](crate::Chunk) per 1024 page frames, memory-mapped by user space.
    pub const SLOTS: &str = "SLOTS";
    /// One [`Site`](crate::Site) per site id, memory-mapped by user space.
    pub const SITES: &str = "SITES";
    /// Hash of stack, order and gfp flags → site id.
    pub const SITE_IDS: &str = "SITE_IDS";
    /// Site ids that are still free; user space fills it before attaching.
    pub const FREE_SITES: &str = "FREE_SITES";
    /// What the kernel unwinds stacks to, per CPU: a [`Site`](crate::Site) for each program.
    pub const SCRATCH: &str = "SCRATCH";
    /// Pages ever recorded, per CPU and site id.
    pub const SITE_PAGES: &str = "SITE_PAGES";
    /// The one [`Control`](crate::Control) word user space steers with.
    pub const CONTROL: &str = "CONTROL";
    /// The [`Counters`](crate::Counters) of each CPU.
    pub const COUNTERS: &str = "COUNTERS";
    /// All [`Templates`](crate::Templates), memory-mapped and written by user space.
    pub const TEMPLATES: &str = "TEMPLATES";
    /// Ring buffer of [`Sample`](crate::Sample)s: stacks that templates are yet to be made of.
    pub const SAMPLES: &str = "SAMPLES";
    /// Page pointers seen by [`PROBE_PAGE_POINTER`](crate::programs::PROBE_PAGE_POINTER).
    pub const PROBED_PAGES: &str = "PROBED_PAGES";
}

/// Names of the programs, as user space finds them in the object.
pub mod programs {
    /// Raw tracepoint `mm_page_alloc`.
    pub const PAGE_ALLOC: &str = "page_alloc";
    /// Raw tracepoint `mm_page_free`.
    pub const PAGE_FREE: &str = "page_free";
    /// tracefs tracepoint `kmem/mm_page_alloc`, for kernels without a linear `struct page` array.
    pub const PAGE_ALLOC_TRACEFS: &str = "page_alloc_tracefs";
    /// tracefs tracepoint `kmem/mm_page_free`.
    pub const PAGE_FREE_TRACEFS: &str = "page_free_tracefs";
    /// Entry of the bulk allocator.
    pub const BULK_ENTRY: &str = "bulk_entry";
    /// Exit of the bulk allocator.
    pub const BULK_EXIT: &str = "bulk_exit";
    /// To be run by `BPF_PROG_TEST_RUN`: gives the caller's process id in the initial namespace.
    pub const OWN_PROCESS: &str = "own_process";
    /// To be run by `BPF_PROG_TEST_RUN` with a page frame, an offset in a `struct page` and a
    /// word: gives a bit for each of the [`QUERIED_FRAMES`](crate::QUERIED_FRAMES) from it on that
    /// has the word there.
    pub const PAGES_WITH_WORD: &str = "pages_with_word";
    /// To be run by `BPF_PROG_TEST_RUN` with a page frame and the offset of the list links in a
    /// `struct page`: gives a bit for each of the [`QUERIED_FRAMES`](crate::QUERIED_FRAMES) from it
    /// on that is on a list.
    pub const LISTED_PAGES: &str = "listed_pages";
    /// Raw tracepoint; loads only where programs can read their stack directly.
    pub const PROBE_STACK: &str = "probe_stack";
    /// Raw tracepoint `mm_page_alloc` that only reports the page pointers of the tracer's own
    /// process, for calibration.
    pub const PROBE_PAGE_POINTER: &str = "probe_page_pointer";
}

/// Names of the constants that user space sets before the programs are loaded.
pub mod constants {
    /// `u64`: address of the `struct page` of page frame 0.
    pub const PAGE_ARRAY: &str = "PAGE_ARRAY";
    /// `u64`: size of `struct page` in bytes; 0 is never loaded.
    pub const PAGE_STRUCT_SIZE: &str = "PAGE_STRUCT_SIZE";
    /// `u64`: number of page frames the slot table covers.
    pub const FRAMES: &str = "FRAMES";
    /// `u32`: the value of `MIGRATE_MOVABLE` in this kernel, to leave out user memory, or
    /// [`NO_MIGRATETYPE`](super::NO_MIGRATETYPE) to record it too.
    pub const SKIPPED_MIGRATETYPE: &str = "SKIPPED_MIGRATETYPE";
    /// `u32`: gfp flags of all user memory, by which its pages are told from other movable ones.
    pub const USER_GFP: &str = "USER_GFP";
    /// `u32` each: gfp flags that tell balloons from user memory, and which of them they have.
    pub const BALLOON_GFP: [&str; 2] = ["BALLOON_GFP_MASK", "BALLOON_GFP"];
    /// `u64` each: the first and the last page frame to record.
    pub const RECORDED_FRAMES: [&str; 2] = ["FIRST_FRAME", "LAST_FRAME"];
    /// `u32` each: the least and the greatest order to record.
    pub const RECORDED_ORDERS: [&str; 2] = ["LEAST_ORDER", "GREATEST_ORDER"];
    /// `u32`: gfp flags an allocation must have, all of them.
    pub const GFP_REQUIRED: &str = "GFP_REQUIRED";
    /// `u32`: gfp flags an allocation must not have, none of them.
    pub const GFP_EXCLUDED: &str = "GFP_EXCLUDED";
    /// `u32`: the tracer's process id, whose pages are counted and left out, or
    /// [`NOBODY`](super::NOBODY).
    pub const OWN_PROCESS: &str = "OWN_PROCESS";
    /// `u32`: the one process to record, or [`NOBODY`](super::NOBODY) for all.
    pub const ONLY_PROCESS: &str = "ONLY_PROCESS";
    /// `u64` each: device and inode of the process namespace that `ONLY_PROCESS` is an id in; 0 for
    /// the initial one.
    pub const NAMESPACE: [&str; 2] = ["NAMESPACE_DEVICE", "NAMESPACE_INODE"];
    /// `u64`: id of the one cgroup (v2) to record with all below it, or 0 for all.
    pub const ONLY_CGROUP: &str = "ONLY_CGROUP";
    /// `i32`: how deep that cgroup lies below the root.
    pub const CGROUP_LEVEL: &str = "CGROUP_LEVEL";
    /// `u64` each: start and length of the code that interrupts enter the kernel by.
    pub const IRQ_ENTRY: [&str; 2] = ["IRQ_ENTRY", "IRQ_ENTRY_LEN"];
    /// `u64` each: start and length of the function that runs softirqs.
    pub const SOFTIRQ_ENTRY: [&str; 2] = ["SOFTIRQ_ENTRY", "SOFTIRQ_ENTRY_LEN"];
    /// `u32`: 1 to unwind by templates, 0 to have the kernel unwind every stack.
    pub const USE_TEMPLATES: &str = "USE_TEMPLATES";
    /// `u32`: 1 if [`RDONLY_CAST`](super::RDONLY_CAST) was made a call of the kernel's function,
    /// 0 to copy stacks.
    pub const READ_STACK: &str = "READ_STACK";
    /// `u32`, from 1 to 2^31: of so many stacks unwound by templates, one is unwound by the
    /// kernel too.
    pub const CHECK_EVERY: &str = "CHECK_EVERY";
    /// `u32` each: which arguments of the bulk allocator are the list and the array that it fills,
    /// and behind which its result lies.
    pub const BULK_ARGUMENTS: [&str; 3] = [
        "BULK_LIST_ARGUMENT",
        "BULK_ARRAY_ARGUMENT",
        "BULK_RESULT_ARGUMENT",
    ];
    /// `u64`: offset of the list links in a `struct page`, in bytes.
    pub const PAGE_LIST_OFFSET: &str = "PAGE_LIST_OFFSET";
    /// `u32` each: offsets of `pfn`, `order`, `gfp_flags` and `migratetype` in the record of
    /// the tracefs tracepoint `mm_page_alloc`, in bytes.
    pub const ALLOC_OFFSETS: [&str; 4] = [
        "ALLOC_PFN_OFFSET",
        "ALLOC_ORDER_OFFSET",
        "ALLOC_GFP_OFFSET",
        "ALLOC_MIGRATETYPE_OFFSET",
    ];
    /// `u32` each: offsets of `pfn` and `order` in the record of the tracefs tracepoint `mm_page_free`.
    pub const FREE_OFFSETS: [&str; 2] = ["FREE_PFN_OFFSET", "FREE_ORDER_OFFSET"];
}

/// A value of the `SKIPPED_MIGRATETYPE` constant that no page has.
pub const NO_MIGRATETYPE: u32 = u32::MAX;

/// A process id that no process has.
pub const NOBODY: u32 = u32::MAX;

/// The number of a helper that no kernel has. Where the object calls it, user space puts a call of
/// the kernel's `bpf_rdonly_cast`, which is known by another number to each kernel.
pub const RDONLY_CAST: u32 = 0x7fff_c457;

/// How many pages of one call of the bulk allocator are looked at; the rest are counted.
pub const BULK_PAGES: u64 = 512;

/// How many page frames one run of a program that looks at pages answers for.
pub const QUERIED_FRAMES: u32 = u32::BITS;
