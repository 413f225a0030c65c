//! The harness: starts the built binary and the leaks, waits for what they
//! say, and reads every kind of output.
//!
//! It talks to its children through files, not pipes: a page in one of our own
//! pipes would be a page that the tracer rightly reports.

mod aloud;
mod build;
mod deadline;
mod disk;
mod folded;
mod invariants;
mod lacking;
mod leaker;
mod loaded;
mod machine;
mod memory_limit;
mod pagetrace;
mod report;
mod tracing;
mod unified_group;

pub use aloud::{aloud, seed, skip};
pub use deadline::{eventually, let_pass};
pub use disk::FullDisk;
pub use folded::{Folded, FoldedStack};
pub use leaker::{Leaker, announcement};
pub use loaded::KernelObjects;
pub use machine::{Machine, is_emulated, root_or_skip};
pub use memory_limit::MemoryLimit;
pub use pagetrace::{Finished, Pagetrace, Running, complaint};
pub use report::{
    AgeBucket, Frame, Host, Losses, RecursionMisses, Report, Site, Totals, UnwindRules, Window,
};
pub use tracing::{OPEN_END, Outputs, Tracing};
pub use unified_group::UnifiedGroup;
