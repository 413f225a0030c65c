//! Where shared memory is, as a tree that adds up to `Shmem`, and its largest pieces.

use serde::{Deserialize, Serialize};

use super::{Holders, Line, ShmemKind, Snapshot, Task};

/// Where shared memory is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShmemBalance {
    /// `Shmem` of `/proc/meminfo`.
    pub total_bytes: u64,
    /// What is swapped out of it, and so not in `Shmem`: at least so much.
    pub swapped_bytes: u64,
    /// What nobody is known to have. Below zero, memory was freed while it was counted. If some
    /// is swapped out, it can be more.
    pub unattributed_bytes: i64,
    /// The tree: its first line is `Shmem`, and the parts of each line add up to it.
    pub tree: Line,
    /// What has most of it; none if there is nothing.
    pub largest: Option<ShmemEntry>,
    /// Files and memory without a name, largest first.
    pub ranking: Vec<ShmemEntry>,
    /// What should be done something about, largest first.
    pub findings: Vec<ShmemEntry>,
}

/// One piece of shared memory, for a ranking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShmemEntry {
    /// What it is.
    pub kind: ShmemKind,
    /// Its path, name or id.
    pub name: String,
    /// Its bytes, with those that are swapped out.
    pub bytes: u64,
    /// For a file system, the bytes that it can have.
    pub limit_bytes: Option<u64>,
    /// For a segment, the process that made it; its name is empty if it has ended.
    pub creator: Option<Task>,
    /// A process that sees it under this name, if pagetrace does not.
    pub seen_by: Option<Task>,
    /// Who has it open or mapped.
    pub holders: Holders,
}

impl ShmemEntry {
    /// The command as it works from where pagetrace runs: in the namespace (an option of nsenter(1)) of
    /// who sees the thing.
    pub fn command(&self, namespace: char, command: &str) -> String {
        match &self.seen_by {
            Some(task) => format!("nsenter -t {} -{namespace} {command}", task.pid),
            None => command.to_owned(),
        }
    }
}

/// What `pagetrace shm` tells: a snapshot and where its shared memory is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShmReport {
    /// Its form.
    pub schema: ShmSchema,
    /// `Shmem` of `/proc/meminfo`.
    pub shmem_bytes: u64,
    /// What nobody is known to have.
    pub unattributed_bytes: i64,
    /// Where it is.
    pub balance: ShmemBalance,
    /// What it was made from.
    pub snapshot: Snapshot,
}

/// The form of what `pagetrace shm --json` writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShmSchema {
    /// This one.
    #[default]
    #[serde(rename = "pagetrace.shm/1")]
    V1,
}

impl ShmReport {
    /// Both together.
    pub const fn new(snapshot: Snapshot, balance: ShmemBalance) -> Self {
        Self {
            schema: ShmSchema::V1,
            shmem_bytes: balance.total_bytes,
            unattributed_bytes: balance.unattributed_bytes,
            balance,
            snapshot,
        }
    }
}
