//! Everything that is known of a machine's memory at one moment.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Balance, Census, CensusRow, HoldersReport, Host, KnownHolder, Limitation, MemoryCounters,
    PagesReport, Processes, Shmem, SocketsReport, Tool,
};

/// A machine's memory at one moment. What `pagetrace snapshot` keeps, and what `mem`, `shm`,
/// `proc` and `diff` look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its form.
    pub schema: SnapshotSchema,
    /// What took it.
    pub tool: Tool,
    /// Where.
    pub host: Host,
    /// When.
    pub taken_at: Timestamp,
    /// The kernel's counters.
    pub memory: MemoryCounters,
    /// Every page frame by its flags; none if nobody asked.
    #[serde(default)]
    pub census: Option<Census>,
    /// Who is known to hold memory that no counter shows; none if nobody looked.
    #[serde(default)]
    pub holders: Option<Vec<KnownHolder>>,
    /// Shared memory; none in a snapshot without it.
    #[serde(default)]
    pub shmem: Option<Shmem>,
    /// The processes; none where only counters were looked at.
    #[serde(default)]
    pub processes: Option<Processes>,
    /// Every page frame by what it is used for; none where the kernel's memory could not be looked at.
    #[serde(default)]
    pub pages: Option<PagesReport>,
    /// Who holds page frames, likewise.
    #[serde(default)]
    pub page_holders: Option<HoldersReport>,
    /// Every socket; where the kernel's memory could not be looked at, as the kernel lists them.
    #[serde(default)]
    pub sockets: Option<SocketsReport>,
    /// What could not be read.
    pub limitations: Vec<Limitation>,
}

impl Snapshot {
    /// Who is known to hold memory that no counter shows.
    pub fn holders(&self) -> &[KnownHolder] {
        self.holders.as_deref().unwrap_or_default()
    }
}

/// The form of snapshots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SnapshotSchema {
    /// This one.
    #[default]
    #[serde(rename = "pagetrace.snapshot/1")]
    V1,
}

/// What `pagetrace mem` tells: a snapshot and its balance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemReport {
    /// Its form.
    pub schema: MemSchema,
    /// What no counter accounts for.
    pub unaccounted_bytes: i64,
    /// What is left of it when the known holders are taken off.
    pub unexplained_bytes: i64,
    /// The balance.
    pub balance: Balance,
    /// The counters beside the pages, if these were counted.
    pub census: Vec<CensusRow>,
    /// What it was made from.
    pub snapshot: Snapshot,
}

/// The form of what `pagetrace mem --json` writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MemSchema {
    /// This one.
    #[default]
    #[serde(rename = "pagetrace.mem/1")]
    V1,
}

impl MemReport {
    /// Both together.
    pub const fn new(snapshot: Snapshot, balance: Balance, census: Vec<CensusRow>) -> Self {
        Self {
            schema: MemSchema::V1,
            unaccounted_bytes: balance.unaccounted_bytes,
            unexplained_bytes: balance.unexplained_bytes,
            balance,
            census,
            snapshot,
        }
    }

    /// What could not be read, or means something else on this kernel.
    pub fn limitations(&self) -> impl Iterator<Item = &Limitation> {
        self.snapshot
            .limitations
            .iter()
            .chain(&self.balance.limitations)
    }
}
