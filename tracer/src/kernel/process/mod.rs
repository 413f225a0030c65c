//! `/proc/PID`: a process, its mappings and its pages.
//!
//! Not by a library: `procfs` gives up on a whole file for a name that is no UTF-8, which any
//! process can choose, and for lines that a kernel or a sandbox leaves out.

mod folder;
mod pages;
mod smaps;
mod stat;
mod status;

pub use folder::{ProcessFolder, reason, words};
pub use pages::{Memory, present};
pub use smaps::{Area, areas, mappings, pss};
pub use stat::{Stat, stat};
pub use status::{Status, status};
