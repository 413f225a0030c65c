//! Capture: loads the programs, lets them run for a window, and ends in a plain value.
//!
//! The only room that knows aya. What leaves it, the slots and a [`Capture`], is
//! memory mapped from the kernel's tables and numbers.

mod bulk;
mod calibration;
mod cast;
mod filters;
mod globals;
mod hooks;
mod inquiries;
mod kernel_log;
mod losses;
mod object;
mod page_array;
mod probe;
mod tables;
mod templates;
mod tracefs;
mod tracer;

pub use bulk::BulkAllocator;
pub use cast::FUNCTION as CAST_FUNCTION;
pub use filters::{Filters, GfpFilter, Process, ProcessNamespace, Scope};
pub use inquiries::PageReferences;
pub use kernel_log::KernelLog;
pub use losses::{Bulk, Losses, RecursionMisses, TemplateUse};
pub use object::table_bytes;
pub use page_array::{PageArray, PageLayout};
pub use probe::Probe;
pub use tables::{SiteRecord, SiteTable, SlotTable};
pub use templates::Unwinding;
pub use tracefs::{classic_tracepoints, gfp_flags};
pub use tracer::{Settings, Tracer};

/// What one window recorded, beside the slots.
pub struct Capture {
    /// The sites that slots name.
    pub sites: SiteTable,
    /// Pages recorded, the freed ones included.
    pub taken_pages: u64,
    /// What was lost or not seen.
    pub losses: Losses,
}
