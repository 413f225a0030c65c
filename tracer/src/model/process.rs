//! The processes of a machine at one moment, and the control groups that limit them.

use serde::{Deserialize, Serialize};

/// All processes but kernel threads, which have no memory of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processes {
    /// In the kernel's order, by pid.
    pub processes: Vec<Process>,
    /// The memory control groups that they are in, by path.
    pub cgroups: Vec<MemoryCgroup>,
    /// How many kernel threads were left out.
    pub kernel_threads: u64,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

/// One process. A size is missing where the kernel or the user's rights do not tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its id, in the pid namespace of whoever looked.
    pub pid: u32,
    /// When it started, in clock ticks since boot: pid and start together name one process.
    pub start_time_ticks: u64,
    /// Who started it, or took it over.
    pub parent_pid: u32,
    /// Its real user.
    pub uid: Option<u32>,
    /// Its name, as it chose it (`comm`).
    pub name: String,
    /// The words of its command line, up to 4 KiB of them; none of a process that took them back.
    pub command_line: Vec<String>,
    /// `R`, `S`, `D`, `Z` … as in proc(5).
    pub state: char,
    /// Its threads.
    pub threads: u64,
    /// Pages that it has mapped, in whole (`VmRSS`).
    pub rss_bytes: Option<u64>,
    /// Pages that it has mapped, each divided by the number of its mappings (`Pss`).
    pub pss_bytes: Option<u64>,
    /// Anonymous memory, mapped (`RssAnon`).
    pub anonymous_bytes: Option<u64>,
    /// Page cache, mapped (`RssFile`).
    pub file_bytes: Option<u64>,
    /// tmpfs, memfds, SysV segments and shared anonymous memory, mapped (`RssShmem`).
    pub shmem_bytes: Option<u64>,
    /// Anonymous memory in swap (`VmSwap`).
    pub swap_bytes: Option<u64>,
    /// Its page tables (`VmPTE`).
    #[serde(default)]
    pub page_table_bytes: Option<u64>,
    /// How likely the kernel kills it when memory runs out, 0 to 2000.
    pub oom_score: Option<u32>,
    /// What its owner adds to that, −1000 to 1000.
    pub oom_score_adj: Option<i32>,
    /// The path of its memory control group, as `/proc/PID/cgroup` has it.
    pub cgroup: Option<String>,
    /// Its mappings by name, largest first; kept of the largest processes only.
    pub mappings: Option<Vec<Mapping>>,
}

/// All mappings of one name in a process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// The kernel's name, as `[heap]` or a path, or [`ANONYMOUS`](Self::ANONYMOUS).
    pub name: String,
    /// How many mappings have it.
    pub count: u64,
    /// Bytes of address space.
    pub size_bytes: u64,
    /// Pages present, in whole.
    pub rss_bytes: u64,
    /// Pages present, each divided by the number of its mappings.
    pub pss_bytes: u64,
    /// Anonymous pages present.
    pub anonymous_bytes: u64,
    /// Pages in swap.
    pub swap_bytes: u64,
}

/// One memory control group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryCgroup {
    /// Its path, as `/proc/PID/cgroup` has it.
    pub path: String,
    /// What its processes may have: the least limit of its own and of the groups around it.
    pub limit: Option<MemoryLimit>,
    /// What it has.
    pub usage_bytes: Option<u64>,
    /// Processes in it that were killed because memory ran out.
    pub oom_kills: Option<u64>,
    /// How the kernel can be asked to take something back; none where it cannot: version 1, and Linux
    /// before 5.19.
    #[serde(default)]
    pub reclaim: Option<Reclaim>,
}

/// The file by which a control group is asked to give memory back (`memory.reclaim`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reclaim {
    /// Its path.
    pub file: String,
    /// What the kernel can drop without writing it to swap: files in memory that were not used lately,
    /// and reclaimable slabs.
    pub bytes: u64,
}

/// A limit on memory, and whose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryLimit {
    /// So many bytes.
    pub bytes: u64,
    /// The path of the group that has it.
    pub cgroup: String,
}

/// What of how many processes could not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// What was to be read.
    pub what: ProcessPart,
    /// Why it could not be.
    pub reason: UnreadReason,
    /// Of so many processes.
    pub processes: u64,
    /// One of them.
    pub example_pid: u32,
}

/// Something to read of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessPart {
    /// Anything at all (`stat` and `status`).
    Process,
    /// Its proportional size (`smaps_rollup`).
    Pss,
    /// Its mappings (`smaps`).
    Mappings,
    /// Its command line (`cmdline`).
    CommandLine,
    /// How likely it is killed (`oom_score`, `oom_score_adj`).
    OomScore,
    /// Its control group (`cgroup`).
    Cgroup,
}

/// Why something could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnreadReason {
    /// The process ended meanwhile.
    Ended,
    /// This user may not.
    NotPermitted,
    /// The kernel does not have it.
    Missing,
    /// There was no time for it.
    OutOfTime,
    /// The kernel said something else.
    Failed,
}

impl Mapping {
    /// The name of private memory that is no file's and has no name.
    pub const ANONYMOUS: &str = "[anonymous]";

    /// Pages that it has, present or in swap.
    pub const fn held_bytes(&self) -> u64 {
        self.rss_bytes.saturating_add(self.swap_bytes)
    }
}

impl Process {
    /// Pid and start: what tells it from a later process with the same pid.
    pub const fn identity(&self) -> (u32, u64) {
        (self.pid, self.start_time_ticks)
    }

    /// Its command line, or the name of a process that has none.
    pub fn command(&self) -> String {
        if self.command_line.is_empty() {
            return self.name.clone();
        }
        self.command_line.join(" ")
    }

    /// What it keeps and the kernel cannot drop: anonymous memory, shmem, and what of it is in
    /// swap. Page cache that it has mapped is left out.
    pub fn kept_bytes(&self) -> Option<u64> {
        let resident = match self.anonymous_bytes {
            Some(anonymous) => anonymous.saturating_add(self.shmem_bytes.unwrap_or(0)),
            None => self.rss_bytes?,
        };
        Some(resident.saturating_add(self.swap_bytes.unwrap_or(0)))
    }
}
