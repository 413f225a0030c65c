//! What is known: plain values that can be written down and read back. No I/O, no
//! options, no formatting. Every other room uses these types; this one uses nothing.

mod choice;
pub mod context;
mod frame;
mod host;
mod kind;
mod limitation;
mod losses;
mod page_state;
mod report;
mod selection;
mod site_record;
mod window;

pub use choice::Choice;
pub use context::Context;
pub use frame::Frame;
pub use host::Host;
pub use kind::{Kind, KindChoice};
pub use limitation::{Feature, FeatureCheck, Limitation, Severity};
pub use losses::{Losses, RecursionMisses, TemplateUse};
pub use page_state::PageState;
pub use report::{Report, Site, Totals};
pub use selection::{Selection, SortKey};
pub use site_record::SiteRecord;
pub use window::{AgeBucket, Scope, Window};
