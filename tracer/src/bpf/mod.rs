//! The only room that knows aya: looks at what the kernel can do, loads the
//! programs, and lets them run.

mod calibration;
mod cast;
mod hooks;
mod inquiries;
mod object;
mod page_array;
mod probe;
mod trace;
mod tracefs;
mod types;

pub use cast::FUNCTION as CAST_FUNCTION;
pub use inquiries::PageReferences;
pub use page_array::{PageArray, PageLayout};
pub use probe::Probe;
pub use trace::{
    BulkAllocator, Capture, Filters, GfpFilter, KernelLog, Process, ProcessNamespace, Settings,
    SiteTable, SlotTable, Tracer, Unwinding, table_bytes,
};
pub use tracefs::{classic_tracepoints, gfp_flags};
pub use types::Types;
