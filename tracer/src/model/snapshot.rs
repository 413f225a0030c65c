//! Everything that is known of a machine's memory at one moment.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Balance, Host, Limitation, MemoryCounters, Processes, Tool};

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
    /// The processes; none where only counters were looked at.
    #[serde(default)]
    pub processes: Option<Processes>,
    /// What could not be read.
    pub limitations: Vec<Limitation>,
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
    pub const fn new(snapshot: Snapshot, balance: Balance) -> Self {
        Self {
            schema: MemSchema::V1,
            unaccounted_bytes: balance.unaccounted_bytes,
            unexplained_bytes: balance.unexplained_bytes,
            balance,
            snapshot,
        }
    }
}
