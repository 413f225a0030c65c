//! The trace: its tables, its programs while they are attached, and what they recorded.

mod bulk;
mod config;
mod filters;
mod kernel_log;
mod load;
mod losses;
mod misses;
mod rules;
mod tables;
mod tracer;

pub use bulk::BulkAllocator;
pub use filters::{Filters, GfpFilter, Process, ProcessNamespace};
pub use kernel_log::KernelLog;
pub use load::table_bytes;
pub use rules::Unwinding;
pub use tables::{SiteTable, SlotTable};
pub use tracer::{Settings, Tracer};

use crate::model::Losses;

/// What one window recorded, beside the slots.
pub struct Capture {
    /// The sites that slots name.
    pub sites: SiteTable,
    /// Pages recorded, the freed ones included.
    pub taken_pages: u64,
    /// What was lost or not seen.
    pub losses: Losses,
}
