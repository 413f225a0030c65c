//! The only room that knows aya: looks at what the kernel can do, loads the
//! programs, and lets them run.

mod calibration;
mod cast;
mod hooks;
mod object;
mod page_array;
mod probe;
mod queries;
mod trace;
mod tracefs;
mod types;

pub use cast::FUNCTION as CAST_FUNCTION;
pub use page_array::{PageArray, PageLayout};
pub use probe::Probe;
pub use queries::PageReferences;
pub use trace::{
    Bulk, BulkAllocator, Capture, Filters, GfpFilter, KernelLog, Losses, Process, ProcessNamespace,
    RecursionMisses, Scope, Settings, SiteRecord, SiteTable, SlotTable, TemplateUse, Tracer,
    Unwinding, table_bytes,
};
pub use tracefs::{classic_tracepoints, gfp_flags};
pub use types::Types;
