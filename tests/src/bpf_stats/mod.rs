//! What the BPF programs of a process cost: the kernel's own statistics.

mod descriptors;
mod empty;
mod programs;
mod reading;
mod templates;

pub use empty::Empty;
pub use reading::Reading;
