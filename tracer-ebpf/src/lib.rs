//! What the kernel side and user space of pagetrace agree on: the words of the
//! slot table, the records in the maps and of load-time values, and the names of maps and
//! programs.
//!
//! This crate has no dependency and knows neither aya nor the kernel, so both
//! sides can use it. The programs themselves are in `bin`, one object each, and are built
//! only for the BPF target.

#![no_std]

mod config;
mod counters;
pub mod key;
pub mod rdonly_cast;
mod records;
mod site;
mod slot;
pub mod taker;
pub mod unwind;

pub use config::{
    BulkConfig, CONFIG, FilterConfig, LoadTime, NO_MIGRATETYPE, NOBODY, PageConfig, QueryConfig,
    SPANS, Span, TraceConfig, TracefsConfig, UnwindConfig, UserMemoryConfig, unwinding,
};
pub use counters::{
    AllocationCounters, Counters, FreeCounters, LEVELS, Nested, ORDERS, UnwindCounters,
};
pub use records::{Control, KnownSites, RECENT_SITES, SAMPLE_PAGES, Sample};
pub use site::{
    COMM_LEN, Code, IRQ_PIECES, InterruptCode, MAX_FRAMES, SKIPPED_FRAMES, Site, SiteKey,
};
pub use slot::{
    BULK, CHUNK_SLOTS, Chunk, FIRST_SITE, LAST_EPOCH, MAX_ORDER, MAX_SITES, SITE_TABLE_FULL,
    STACK_LOST, SiteId, Slot, order,
};

/// Names of the maps, as user space finds them in the objects.
pub mod maps {
    /// One [`Chunk`](crate::Chunk) per [`CHUNK_SLOTS`](crate::CHUNK_SLOTS) page frames, memory-mapped by user space.
    pub const SLOTS: &str = "SLOTS";
    /// One [`Site`](crate::Site) per site id, memory-mapped by user space.
    pub const SITES: &str = "SITES";
    /// Hash of stack, order and gfp flags → site id.
    pub const SITE_IDS: &str = "SITE_IDS";
    /// What each CPU knows of [`SITE_IDS`]: [`KnownSites`](crate::KnownSites).
    pub const KNOWN_SITES: &str = "KNOWN_SITES";
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
    /// The [`RuleTable`](crate::unwind::RuleTable), memory-mapped and written by user space.
    pub const RULES: &str = "RULES";
    /// Ring buffer of [`Sample`](crate::Sample)s: stacks that no rules led through.
    pub const SAMPLES: &str = "SAMPLES";
    /// Page pointers seen by [`PROBE_PAGE_POINTER`](crate::programs::PROBE_PAGE_POINTER).
    pub const PROBED_PAGES: &str = "PROBED_PAGES";
    /// What [`COPY_MEMORY`](crate::programs::COPY_MEMORY) copied last, in pieces, memory-mapped by
    /// user space.
    pub const COPIED: &str = "COPIED";
}

/// Names of the programs, as user space finds them in the objects.
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
    /// To be run by `BPF_PROG_TEST_RUN` with an address and a count: copies so many
    /// [pieces](crate::PIECE_LEN) of kernel memory, at most [all](crate::COPIED_PIECES), and gives a
    /// bit for each that could be read.
    pub const COPY_MEMORY: &str = "copy_memory";
    /// Raw tracepoint; loads only where programs can read their stack directly.
    pub const PROBE_STACK: &str = "probe_stack";
    /// Raw tracepoint `mm_page_alloc` that only reports the page pointers of the tracer's own
    /// process, for calibration.
    pub const PROBE_PAGE_POINTER: &str = "probe_page_pointer";
}

/// How many pages of one call of the bulk allocator are looked at; the rest are counted.
pub const BULK_PAGES: u64 = 512;

/// How many page frames one run of a program that looks at pages answers for.
pub const QUERIED_FRAMES: u32 = u32::BITS;

/// Bytes of kernel memory that are copied at a time, all or none.
pub const PIECE_LEN: usize = 4096;

/// How many pieces one run of the program copies at most.
pub const COPIED_PIECES: u32 = u32::BITS;
