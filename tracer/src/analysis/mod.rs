//! Analysis: from the slots that are still marked to a ranked report. Pure
//! functions over plain values; nothing here reads the machine or formats text.

mod owner;
mod report;
mod scan;
mod sites;
mod stack;
mod survivors;
mod tally;
mod timeline;
mod window;

pub use report::{Recorded, report};
pub use scan::{Pages, Scan, scan};
pub use sites::records;
pub use survivors::{Cell, Survivors};
pub use timeline::Timeline;
pub use window::Measured;
