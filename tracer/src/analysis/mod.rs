//! Analysis: from the slots that are still marked to a ranked report. Pure
//! functions over plain values; nothing here reads the machine or formats text.

mod judge;
mod owner;
mod report;
mod run_length;
mod scan;
mod sites;
mod stack;
mod survivors;

mod timeline;
mod unnamed;
mod window;

pub use report::{Recorded, report};
pub use scan::{Pages, Scan, Settled, scan};
pub use sites::records;
pub use survivors::{Cell, Survivors};
pub use timeline::Timeline;
pub use window::Measured;
