//! Capture: loads the programs, lets them run for a window, and ends in a plain value.
//!
//! The only room that knows aya. What leaves it, [`Capture`], is memory mapped
//! from the kernel's tables and numbers.

mod calibration;
mod hooks;
mod kernel_log;
mod object;
mod page_array;
mod tables;
mod tracefs;
mod tracer;

pub use calibration::calibrate;
pub use kernel_log::KernelLog;
pub use object::table_bytes;
pub use page_array::PageArray;
pub use tables::{SiteRecord, SiteTable, SlotTable};
pub use tracefs::classic_tracepoints;
pub use tracer::{Settings, Tracer};

/// Everything one window recorded.
pub struct Capture {
    /// The slot of each page frame, as the window left it.
    pub slots: SlotTable,
    /// The sites that slots name.
    pub sites: SiteTable,
    /// Pages recorded, the freed ones included.
    pub taken_pages: u64,
    /// What was lost or not seen.
    pub losses: Losses,
}

/// Which allocations are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// All but movable pages (anonymous memory, page cache, shmem), which other counters show.
    #[default]
    Kernel,
    /// Every page.
    All,
}

/// What a window could not see, by cause. Events unless named otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Losses {
    /// Events the kernel kept from a program because it was running on that CPU already;
    /// none where the kernel does not count them (before 5.12).
    pub recursion_misses: Option<u64>,
    /// Allocations that found the site table full; their pages are in the report.
    pub site_table_full: u64,
    /// Allocations whose stack could not be unwound; their pages are in the report.
    pub failed_unwinds: u64,
    /// Frees of pages that were not marked: taken before the window, or out of its scope.
    pub unmatched_frees: u64,
    /// Events on page frames or orders beyond the slot table.
    pub out_of_range: u64,
    /// Allocations that failed, and so took nothing.
    pub failed_allocations: u64,
}
