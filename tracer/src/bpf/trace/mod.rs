//! The trace: its tables, its programs while they are attached, and what they recorded.

mod bulk;
mod code;
mod config;
mod filters;
mod kernel_log;
mod load;
mod losses;
mod misses;
mod rules;
mod site_ids;
mod tables;
mod tracer;

pub use bulk::BulkAllocator;
pub use filters::{Filters, GfpFilter, Process, ProcessNamespace};
pub use kernel_log::KernelLog;
pub use load::{MOST_SPANS, SPAN_ALIGNMENT, table_bytes};
pub use rules::{Layout, Unwinding};
pub use tables::{SiteTable, SlotTable, merge_epochs};
pub use tracer::{Settings, Tracer};

use crate::model::{Losses, ProgramTime, TracerFrames};

/// What was recorded, beside slots and sites.
pub struct Capture {
    /// Which frames of the sites' stacks are the tracer's own.
    pub tracer_frames: TracerFrames,
    /// Pages recorded, the freed ones included.
    pub taken_pages: u64,
    /// What was lost or not seen.
    pub losses: Losses,
    /// CPU time of the programs; none if the kernel did not measure it.
    pub program_time: Option<ProgramTime>,
}
