//! What differs between two snapshots, or between two traces.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Growth, Host};

/// One of the two that are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// The machine.
    pub host: Host,
    /// When the snapshot was taken, or the trace began.
    pub at: Timestamp,
}

/// What differs between two snapshots, of two moments or two machines. The largest difference
/// comes first in each list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotDiff {
    /// The form.
    pub schema: DiffSchema,
    /// The first.
    pub before: Side,
    /// The second.
    pub after: Side,
    /// Free, user and kernel memory, and what no counter shows.
    pub groups: Vec<Growth>,
    /// Each kind of memory.
    pub kinds: Vec<Growth>,
    /// Processes by command line, those of one command line together: anonymous memory, shared
    /// memory and what is swapped out.
    pub processes: Vec<Growth>,
    /// Mappings by command line and name, as far as snapshots keep them: of the processes with
    /// most anonymous memory.
    pub mappings: Vec<Growth>,
    /// File systems in memory, by where they are mounted.
    pub file_systems: Vec<Growth>,
    /// Known holders of memory that no counter shows, sockets among them.
    pub holders: Vec<Growth>,
    /// Those that hold page frames that no counter explains, by process name and what they hold them by.
    pub page_holders: Vec<Growth>,
    /// Page frames by what they are used for.
    pub page_uses: Vec<Growth>,
    /// Slab caches.
    pub slabs: Vec<Growth>,
    /// Callers of vmalloc.
    pub vmalloc: Vec<Growth>,
}

/// What differs between two traces. The largest difference comes first in each list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceDiff {
    /// The form.
    pub schema: DiffSchema,
    /// The first.
    pub before: Side,
    /// The second.
    pub after: Side,
    /// What each function kept that asked for pages.
    pub owners: Vec<Growth>,
    /// What each stack kept.
    pub stacks: Vec<StackChange>,
}

/// The form of what `pagetrace diff --json` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DiffSchema {
    /// Of two snapshots.
    #[serde(rename = "pagetrace.snapshot-diff/1")]
    Snapshots1,
    /// Of two traces.
    #[serde(rename = "pagetrace.trace-diff/1")]
    Traces1,
}

/// What a stack kept in two traces. Stacks are the same if their functions are: offsets differ
/// between kernels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackChange {
    /// Its functions, outermost first, without what compilers add to names.
    pub functions: Vec<String>,
    /// Bytes in the first trace.
    pub before_bytes: u64,
    /// Bytes in the second trace.
    pub after_bytes: u64,
}

impl StackChange {
    /// By how many bytes it changed, either way.
    pub const fn change(&self) -> u64 {
        self.after_bytes.abs_diff(self.before_bytes)
    }
}
