//! Analysis: from the slots that are still marked to a ranked report. Pure
//! functions over plain values; nothing here reads the machine or formats text.

mod kind;
mod owner;
mod report;
mod sites;
mod stack;
mod survivors;
mod timeline;
mod window;

pub use kind::{Kind, KindChoice};
pub use report::{Recorded, Report, Selection, Site, SortKey, Totals, report};
pub use sites::records;
pub use survivors::{Pages, Scan, Survivors, scan};
pub use timeline::Timeline;
pub use window::{AgeBucket, Measured, Window};
