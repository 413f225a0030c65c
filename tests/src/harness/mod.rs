//! The harness: starts the built binary and the leaks, waits for what they
//! say, and reads every kind of output.
//!
//! It talks to its children through files, not pipes: a page in one of our own
//! pipes would be a page that the tracer rightly reports.

mod build;
mod cgroup_v2;
mod cpus;
mod deadline;
mod degraded;
mod diagnostics;
mod disk;
mod document;
mod folded;
mod inherited;
mod invariants;
mod kernel;
mod leaker;
mod loaded;
mod machine;
mod memcg;
mod network;
mod pagetrace;
mod privileges;
mod report;
mod screen;
mod service;
mod stress;
mod tracefs_mount;
mod tracing;
mod wire;

pub use cgroup_v2::CgroupV2;
pub use cpus::{stay_on, two_cpus_or_skip};
pub use deadline::{eventually, let_pass};
pub use diagnostics::{note, seed, skip};
pub use disk::FullDisk;
pub use document::{
    AgeBucket, Cost, Entry, Frame, Host, KnownOwner, Limitation, Losses, Meminfo, ProgramTime,
    Rate, RecursionMisses, Selection, Share, Task, Totals, Trend, Unfreed, UnwindRules, Window,
};
pub use folded::{Folded, FoldedStack};
pub use kernel::Kernel;
pub use leaker::{Leaker, announcement};
pub use loaded::KernelObjects;
pub use machine::{Machine, is_emulated, root_or_skip};
pub use memcg::Memcg;
pub use network::Network;
pub use pagetrace::{Finished, Pagetrace, Running, complaint};
pub use report::{Report, Site};
pub use screen::Screen;
pub use service::{Service, http};
pub use stress::Stress;
pub use tracefs_mount::TracefsMount;
pub use tracing::{OPEN_END, Outputs, Tracing};
pub use wire::Wire;
