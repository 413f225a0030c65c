//! The report: all that was recorded of one window, whatever is shown of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Context, ControlGroup, Cost, Feature, Frame, Host, Image, Kind, Limitation, Losses, Meminfo,
    Window,
};

/// All that was recorded of one window: what is written down, and read back without loss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Name and version of the form.
    pub schema: Schema,
    /// What made it.
    pub tool: Tool,
    /// The machine.
    pub host: Host,
    /// The time that was watched.
    pub window: Window,
    /// What tracing cost.
    pub cost: Cost,
    /// What was lost or not seen.
    pub losses: Losses,
    /// What this kernel or this user cannot do, as far as it touches the numbers.
    pub limitations: Vec<Limitation>,
    /// What the kernel's own counters said; none if they could not be read.
    pub meminfo: Option<Meminfo>,
    /// Pages taken in the window, the freed ones included.
    pub taken_pages: u64,
    /// The values of gfp flags by the names that this kernel prints; empty if it does not tell them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gfp_flags: BTreeMap<String, u32>,
    /// The kernel proper and the modules that the frames belong to; empty in reports that do not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// Every frame of a stack below, once.
    pub frames: Vec<Frame>,
    /// Every call site with unfreed pages, most pages first.
    pub sites: Vec<Site>,
}

/// Name and version of the form of a report. A field that goes away or changes its meaning makes
/// another one; a new field does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Schema {
    /// The only one that can be read.
    #[default]
    #[serde(rename = "pagetrace.report/2")]
    Report2,
}

/// A program that makes reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// One call site: one stack, whatever the orders and flags of its allocations; of one taker, where
/// takers are told apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// The stack, innermost first, down to the entry of the interrupt if it is one's: indices
    /// into the frames. Empty if it is not known.
    pub stack: Vec<u32>,
    /// Why there is no stack; none if there is one.
    pub no_stack: Option<NoStack>,
    /// Which frame is the function that asked for the pages: an index into the frames.
    pub owner_frame: Option<u32>,
    /// Who took the pages: a task, or an interrupt.
    pub context: Context,
    /// The rest of the stack: whoever the interrupt came on top of, the first time. The pages are
    /// not theirs.
    pub interrupted: Vec<u32>,
    /// The task that came here first; none for an interrupt, which hits anybody.
    pub first_seen: Option<Task>,
    /// The process that took all of the pages, by the name that its task had the first time; none
    /// for an interrupt, or where processes were not told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Task>,
    /// The cgroup whose tasks took all of the pages; none likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<ControlGroup>,
    /// Pages taken in the window, the freed ones included.
    pub allocated_pages: u64,
    /// Pages taken in the window and not freed.
    pub unfreed: Vec<Unfreed>,
    /// Who has the pages now, most pages first; the rest has nobody that was found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_by: Vec<HeldPages>,
}

/// Why pages have no stack. They are counted all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoStack {
    /// The site table was full.
    SiteTableFull,
    /// The stack could not be unwound.
    Lost,
    /// The record of the site does not match the key that it is found by.
    RecordMismatch,
}

/// A task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its process id.
    pub pid: u32,
    /// Its name, which it chooses itself.
    pub name: String,
}

/// Pages that something holds: a pipe, a socket, a ring, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldPages {
    /// Who.
    pub holder: String,
    /// What tells it from others, at another moment as well; empty in reports that do not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// How many.
    pub pages: u64,
}

/// Pages of one kind, order and set of gfp flags that a site took and that were not freed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfreed {
    /// What they are at the end of the window.
    pub kind: Kind,
    /// The order of their allocation.
    pub order: u32,
    /// The gfp flags of their allocation, in this kernel's values; none if they are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gfp: Option<u32>,
    /// Epochs in which they were taken, in order, and how many in each.
    pub by_epoch: Vec<(u32, u32)>,
}

impl Tool {
    /// This program.
    pub fn own() -> Self {
        Self {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

impl NoStack {
    /// What stands in the place of the function that asked for the pages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SiteTableFull => "[site table full]",
            Self::Lost => "[stack lost]",
            Self::RecordMismatch => "[record mismatch]",
        }
    }
}

impl HeldPages {
    /// The processes that have it, as its key names them: `pipe None [4711]`.
    pub fn pids(&self) -> impl Iterator<Item = u32> + '_ {
        let list = self
            .key
            .rsplit_once('[')
            .and_then(|(_, it)| it.split_once(']'));
        let pids = list.map_or("", |(pids, _)| pids).split(',');
        pids.filter_map(|pid| pid.trim().parse().ok())
    }
}

impl Site {
    /// Pages taken in the window and not freed.
    pub fn unfreed_pages(&self) -> u64 {
        self.unfreed.iter().map(Unfreed::pages).sum()
    }
}

impl Unfreed {
    /// How many pages they are.
    pub fn pages(&self) -> u64 {
        self.by_epoch
            .iter()
            .map(|&(_, pages)| u64::from(pages))
            .sum()
    }
}

impl Report {
    /// What is limited of a feature, if anything is.
    pub fn limitation(&self, feature: Feature) -> Option<&Limitation> {
        self.limitations.iter().find(|it| it.feature == feature)
    }

    /// The modules that its frames belong to.
    pub fn modules(&self) -> BTreeSet<&str> {
        let modules = self.frames.iter().map(|it| it.module.as_deref());
        modules.flatten().collect()
    }

    /// The frames at `indices`.
    pub fn frames_at(&self, indices: &[u32]) -> impl DoubleEndedIterator<Item = &Frame> {
        indices
            .iter()
            .filter_map(|&index| self.frames.get(index as usize))
    }

    /// The frame of the function that asked for the pages of a site, if it is known.
    pub fn owner_frame(&self, site: &Site) -> Option<&Frame> {
        self.frames.get(site.owner_frame? as usize)
    }
}
