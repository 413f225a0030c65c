//! The only room that knows aya: looks at what the kernel can do, loads the
//! programs, and lets them run.

mod calibration;
mod cast;
mod features;
mod gfp;
mod hooks;
mod kernel_memory;
mod map_memory;
mod mapped;
mod object;
mod objects;
mod page_array;
mod page_census;
mod page_owners;
mod queries;
mod trace;
mod tracefs;
mod vmalloc_pages;

pub use cast::with_function;
pub use features::{Features, locate_page_array};
pub use gfp::MovableGfp;
pub use kernel_memory::{Copied, CopyMemory, KernelMemory};
pub use objects::{objects, ring_buffers};
pub use page_array::{PageArray, PageLayout};
pub use page_census::PageCensus;
pub use page_owners::{OwnerLayout, owner_names};
pub use queries::PageStructs;

pub use trace::{
    BulkAllocator, Capture, Filters, GfpFilter, KernelLog, Layout, MOST_SPANS, Process,
    ProcessNamespace, SPAN_ALIGNMENT, Settings, SiteTable, SlotTable, Tracer, Unwinding,
    merge_epochs, table_bytes,
};
pub use tracefs::{gfp_flags, tracefs_tracepoints};
pub use vmalloc_pages::VmallocSource;
