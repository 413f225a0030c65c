//! What every page frame is, for people and programs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Choice, Host, Limitation, PageGroup, PageUse, Tool};

/// Every page frame of a machine at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PagesReport {
    /// Its form.
    pub schema: PagesSchema,
    /// What made it.
    pub tool: Tool,
    /// Where.
    pub host: Host,
    /// When.
    pub taken_at: Timestamp,
    /// How long all page frames took to be looked at.
    pub seconds: super::Seconds,
    /// What page frames are used for, most first, beside the kernel's counters.
    pub uses: Vec<PageUseRow>,
    /// The same in detail, most first.
    pub groups: Vec<PageGroup>,
    /// The blocks of the use that was asked for, in ascending order; none if nobody asked.
    #[serde(default)]
    pub list: Option<PagesList>,
    /// What could not be read.
    pub limitations: Vec<Limitation>,
}

/// The page frames of one use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagesList {
    /// The use.
    pub page_use: PageUse,
    /// Its blocks.
    pub blocks: Vec<ListedBlock>,
    /// How many more there are.
    pub left_out: u64,
}

/// Page frames that were taken together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedBlock {
    /// The first of them.
    pub frame: u64,
    /// How many there are.
    pub pages: u64,
    /// How often something refers to them, as the kernel counts it.
    pub references: u32,
    /// How often user space has one of them mapped, likewise.
    pub mappings: u64,
    /// What they belong to, as of a [`PageGroup`].
    pub owner: Option<String>,
}

/// The page frames of one use, and what the kernel counts of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageUseRow {
    /// What they are used for.
    pub page_use: PageUse,
    /// How many there are.
    pub pages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What the counters have; none where no counter is of these alone.
    pub counters_bytes: Option<i64>,
    /// The names of the counters.
    pub counters: String,
}

/// The form of what `pagetrace pages --json` writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PagesSchema {
    /// This one.
    #[default]
    #[serde(rename = "pagetrace.pages/1")]
    V1,
}

/// What page frames are counted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PagesBy {
    /// What they are used for.
    #[default]
    Use,
    /// The order of their block.
    Order,
    /// Their NUMA node.
    Node,
    /// Their slab cache.
    Cache,
    /// The memory control group that they are charged to.
    Cgroup,
    /// The device whose page pool has them.
    Device,
    /// The function that asked vmalloc for them.
    Caller,
}

impl Choice for PagesBy {
    const ALL: &'static [Self] = &[
        Self::Use,
        Self::Order,
        Self::Node,
        Self::Cache,
        Self::Cgroup,
        Self::Device,
        Self::Caller,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Use => "use",
            Self::Order => "order",
            Self::Node => "node",
            Self::Cache => "cache",
            Self::Cgroup => "cgroup",
            Self::Device => "device",
            Self::Caller => "caller",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Use => "What they are used for, beside the kernel's counters",
            Self::Order => "The order of their block, of each use",
            Self::Node => "The NUMA node, of each use",
            Self::Cache => "The slab cache",
            Self::Cgroup => "The memory control group that kernel pages are charged to",
            Self::Caller => "The function that asked vmalloc for them",
            Self::Device => "The network device whose page pool has them",
        }
    }
}
