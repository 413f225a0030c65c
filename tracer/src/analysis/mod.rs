//! Analysis: from the slots that are still marked to a ranked report. Pure
//! functions over plain values; nothing here reads the machine or formats text.

mod owner;
mod report;
mod sites;
mod stack;
mod survivors;
mod timeline;
mod window;

pub use report::{Recorded, Report, Selection, Site, SortKey, Totals, report};
pub use sites::{Group, Stack, group};
pub use survivors::{Survivors, survivors};
pub use timeline::Timeline;
pub use window::{AgeBucket, Measured, Window};
