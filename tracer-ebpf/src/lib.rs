//! What the kernel side and user space of pagetrace agree on: the words of the
//! slot table, the records in the maps, and the names of maps, programs and
//! load-time constants.
//!
//! This crate has no dependency and knows neither aya nor the kernel, so both
//! sides can use it. The programs themselves are in `main.rs` and are built
//! only for the BPF target.

#![no_std]

mod records;
mod slot;

pub use records::{COMM_LEN, Control, MAX_FRAMES, Site, Tally};
pub use slot::{
    CHUNK_SLOTS, Chunk, FIRST_SITE, LAST_EPOCH, MAX_ORDER, MAX_SITES, SITE_TABLE_FULL, STACK_LOST,
    Slot,
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
    /// Pages ever recorded, per CPU and site id.
    pub const SITE_PAGES: &str = "SITE_PAGES";
    /// The one [`Control`](crate::Control) word user space steers with.
    pub const CONTROL: &str = "CONTROL";
    /// One [`Tally`](crate::Tally) per CPU.
    pub const TALLY: &str = "TALLY";
    /// Page pointers seen by [`PROBE_PAGE_POINTER`](crate::programs::PROBE_PAGE_POINTER).
    pub const PROBED_PAGES: &str = "PROBED_PAGES";
}

/// Names of the programs, as user space finds them in the object.
pub mod programs {
    /// Raw tracepoint `mm_page_alloc`.
    pub const PAGE_ALLOC: &str = "page_alloc";
    /// Raw tracepoint `mm_page_free`.
    pub const PAGE_FREE: &str = "page_free";
    /// Classic tracepoint `kmem/mm_page_alloc`, for kernels without a linear `struct page` array.
    pub const PAGE_ALLOC_CLASSIC: &str = "page_alloc_classic";
    /// Classic tracepoint `kmem/mm_page_free`.
    pub const PAGE_FREE_CLASSIC: &str = "page_free_classic";
    /// Raw tracepoint `mm_page_alloc` that only reports page pointers, for calibration.
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
    /// `u32`: the value of `MIGRATE_MOVABLE` in this kernel, or
    /// [`NO_MIGRATETYPE`](super::NO_MIGRATETYPE) to record movable pages too.
    pub const SKIPPED_MIGRATETYPE: &str = "SKIPPED_MIGRATETYPE";
    /// `u32` each: offsets of `pfn`, `order`, `gfp_flags` and `migratetype` in the record of
    /// the classic `mm_page_alloc`, in bytes.
    pub const ALLOC_OFFSETS: [&str; 4] = [
        "ALLOC_PFN_OFFSET",
        "ALLOC_ORDER_OFFSET",
        "ALLOC_GFP_OFFSET",
        "ALLOC_MIGRATETYPE_OFFSET",
    ];
    /// `u32` each: offsets of `pfn` and `order` in the record of the classic `mm_page_free`.
    pub const FREE_OFFSETS: [&str; 2] = ["FREE_PFN_OFFSET", "FREE_ORDER_OFFSET"];
}

/// A value of the `SKIPPED_MIGRATETYPE` constant that no page has.
pub const NO_MIGRATETYPE: u32 = u32::MAX;
