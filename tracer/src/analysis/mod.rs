//! Analysis: from the slots that are still marked to a ranked report. Pure
//! functions over plain values; nothing here reads the machine or formats text.

mod kind;
mod owner;
mod report;
mod scan;
mod sites;
mod stack;
mod survivors;
mod tally;
mod timeline;
mod window;

pub use kind::{Kind, KindChoice};
pub use report::{Recorded, Report, Selection, Site, SortKey, Totals, report};
pub use scan::{Pages, Scan, scan};
pub use sites::records;
pub use survivors::{Cell, Survivors};
pub use timeline::Timeline;
pub use window::{AgeBucket, Measured, Window};
