//! What the BPF programs of a process cost: the kernel's own statistics.

mod descriptors;
mod empty;
mod programs;
mod take;
mod unwound;

pub use empty::Empty;
pub use take::take;
