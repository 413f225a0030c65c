//! The harness: starts the built binary and the leaks, waits for what they
//! say, and reads every kind of output.
//!
//! It talks to its children through files, not pipes: a page in one of our own
//! pipes would be a page that the tracer rightly reports.

mod build;
mod deadline;
mod folded;
mod invariants;
mod lacking;
mod leaker;
mod loaded;
mod machine;
mod pagetrace;
mod report;
mod tracing;

pub use deadline::eventually;
pub use folded::{Folded, FoldedStack};
pub use leaker::{Leaker, announcement};
pub use loaded::KernelObjects;
pub use machine::{Machine, root_or_skip, skip};
pub use pagetrace::{Finished, Pagetrace, Running};
pub use report::{AgeBucket, Frame, Host, Losses, Report, Site, Totals, Window};
pub use tracing::{OPEN_END, Outputs, Tracing};
