//! Analysis: from the slots that are still marked to a report, and from a report to what is
//! shown of it. Pure
//! functions over plain values; nothing here reads the machine or formats text.

mod balance;
mod entries;
mod judge;
mod names;
mod owner;
pub mod peek;
pub mod processes;
mod report;
mod run_length;
#[cfg(test)]
mod sample;
mod scan;
mod selected;
mod sites;
mod stack;
mod summary;
mod survivors;
mod timeline;
mod unnamed;
mod window;

pub use balance::balance;
pub use report::{Recorded, report};
pub use scan::{Pages, Scan, Settled, scan};
pub use sites::records;
pub use summary::summary;
pub use survivors::{Cell, Survivors};
pub use timeline::Timeline;
