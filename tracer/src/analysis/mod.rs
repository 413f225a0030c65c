//! Analysis: from the slots that are still marked to a report, and from a report to what is
//! shown of it. Pure
//! functions over plain values; nothing here reads the machine or formats text.

mod balance;
mod census;
mod cgroup_pages;
mod content;
mod diff;
pub(crate) mod doctor;
mod entries;
mod growth;
mod held;
mod holder_names;
mod holders;
mod image_pointers;
mod judge;
mod known_owners;
mod metrics;
mod names;
mod object_owners;
mod owner;
mod pages;
pub mod peek;
pub mod processes;
mod report;
mod rolling;
mod run_length;
#[cfg(test)]
mod sample;
mod scan;
mod selected;
pub(crate) mod shmem;
mod sites;
mod sockets;
mod stack;
mod summary;
mod survivors;
mod timeline;
pub mod top;
mod trend;
mod unnamed;
mod walked;
mod window;

pub use balance::{balance, explain};
pub use census::compare;
pub use cgroup_pages::cgroup_pages;
pub use content::content;
pub use diff::{snapshots, traces};
pub use doctor::{Diagnosis, diagnose, redacted, verification};
pub use growth::growth;
pub use holders::{About, held_pages, holder_groups, holders, holders_totals, since_baseline};
pub use image_pointers::ImagePointers;
pub use known_owners::KnownOwners;
pub use metrics::{fingerprint, site_metrics};
pub use object_owners::{MappedBy, holding_processes};
pub use pages::{page_groups, page_uses};
pub use report::{Recorded, report};
pub use rolling::{Merge, RollingTimeline, WindowEpochs};
pub use scan::{Marking, Pages, Scan, Settled, scan};
pub use shmem::shmem;
pub use sites::records;
pub use sockets::{socket_totals, sockets, sort_sockets};
pub use summary::summary;
pub use survivors::{Cell, Survivors};
pub use timeline::Timeline;
pub use trend::trend_of_samples;
pub use walked::walked_holders;
