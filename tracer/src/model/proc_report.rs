//! What `pagetrace proc` tells: processes ranked, or one process in detail.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Choice, Host, Limitation, Mapping, MemoryCgroup, Peek, Process, Seconds, Tool, Unread,
};

/// All processes, ranked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcReport {
    /// Its form.
    pub schema: ProcSchema,
    /// What made it.
    pub tool: Tool,
    /// Where.
    pub host: Host,
    /// When the sizes were read.
    pub taken_at: Timestamp,
    /// How long growth was watched before that; none if it was not.
    pub interval_seconds: Option<Seconds>,
    /// What the lines are ranked by.
    pub sort: ProcessSort,
    /// The lines, in that order.
    pub entries: Vec<ProcessEntry>,
    /// The memory control groups of the processes.
    pub cgroups: Vec<MemoryCgroup>,
    /// How many kernel threads were left out.
    pub kernel_threads: u64,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// What this kernel or this user cannot do.
    pub limitations: Vec<Limitation>,
}

/// One line: a process, or processes of one program that replaced each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcessEntry {
    /// The process; of those that replaced each other, the last.
    pub process: Process,
    /// By how much what it keeps has grown; all of it if it started while growth was watched.
    pub growth_bytes: Option<i64>,
    /// Whether it started while growth was watched.
    pub is_new: bool,
    /// The mapping that grew most and its growth, where mappings were read twice.
    pub grown_mapping: Option<GrownMapping>,
    /// The processes that it replaced.
    pub replaced: Option<Replaced>,
    /// Its control group.
    pub cgroup: Option<MemoryCgroup>,
}

/// A mapping, and by how much it grew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrownMapping {
    /// Its name.
    pub name: String,
    /// Its growth in resident and swapped bytes.
    pub growth_bytes: i64,
    /// The same of all mappings that grew. The process as a whole was read at other moments.
    pub all_growth_bytes: i64,
}

impl GrownMapping {
    /// Its share of the growth of all mappings.
    pub fn share(&self) -> f64 {
        self.growth_bytes as f64 / self.all_growth_bytes.max(1) as f64
    }
}

/// Processes with one command line, in one control group, of which the kernel killed some.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// Their pids in the order in which they were seen, the last one included.
    pub pids: Vec<u32>,
    /// How many processes the kernel killed in their control group meanwhile.
    pub oom_kills: u64,
    /// Whether the last one still runs.
    pub is_alive: bool,
}

/// One process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcessReport {
    /// Its form.
    pub schema: ProcessSchema,
    /// What made it.
    pub tool: Tool,
    /// Where.
    pub host: Host,
    /// When the sizes were read.
    pub taken_at: Timestamp,
    /// How long growth was watched before that; none if it was not.
    pub interval_seconds: Option<Seconds>,
    /// The process. Its mappings are in `mappings`.
    pub process: Process,
    /// By how much what it keeps has grown.
    pub growth_bytes: Option<i64>,
    /// Its control group.
    pub cgroup: Option<MemoryCgroup>,
    /// Its mappings by name: what grew most first, or what is largest.
    pub mappings: Vec<MappingGrowth>,
    /// The one of them that grew most.
    pub grown_mapping: Option<GrownMapping>,
    /// What one of them holds.
    pub peek: Option<Peek>,
    /// What this kernel or this user cannot do.
    pub limitations: Vec<Limitation>,
}

/// The mappings of one name, and their growth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingGrowth {
    /// They as they are now.
    pub mapping: Mapping,
    /// By how much their pages, present or in swap, have grown; none if that was not watched.
    pub growth_bytes: Option<i64>,
}

/// The form of what `pagetrace proc --json` writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProcSchema {
    /// This one.
    #[default]
    #[serde(rename = "pagetrace.proc/1")]
    V1,
}

/// The form of what `pagetrace proc PID --json` writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProcessSchema {
    /// This one.
    #[default]
    #[serde(rename = "pagetrace.process/1")]
    V1,
}

/// What processes are ranked by, the largest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProcessSort {
    /// Proportional size.
    #[default]
    Pss,
    /// Resident size.
    Rss,
    /// Anonymous memory.
    Anon,
    /// Shared memory.
    Shmem,
    /// Swap.
    Swap,
    /// Growth of what it keeps.
    Growth,
    /// The kernel's order of killing.
    Oom,
}

impl Choice for ProcessSort {
    const ALL: &'static [Self] = &[
        Self::Pss,
        Self::Rss,
        Self::Anon,
        Self::Shmem,
        Self::Swap,
        Self::Growth,
        Self::Oom,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Pss => "pss",
            Self::Rss => "rss",
            Self::Anon => "anon",
            Self::Shmem => "shmem",
            Self::Swap => "swap",
            Self::Growth => "growth",
            Self::Oom => "oom",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Pss => "Resident pages, each divided by the number of its mappings",
            Self::Rss => "Resident pages in whole",
            Self::Anon => "Anonymous memory",
            Self::Shmem => "tmpfs, memfds, SysV segments, shared anonymous memory",
            Self::Swap => "Anonymous memory in swap",
            Self::Growth => "Growth of anonymous memory, shmem and swap over -i",
            Self::Oom => "Whom the kernel kills first when memory runs out",
        }
    }
}
