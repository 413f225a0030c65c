//! A case: what was found out about a machine whose memory goes missing.

use serde::{Deserialize, Serialize};

use super::{
    Finding, Host, Limitation, ProcessEntry, Report, Seconds, Snapshot, SnapshotDiff, Tool,
};

/// All that `pagetrace doctor` saw, and what follows from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Its form.
    pub schema: CaseSchema,
    /// What made it.
    pub tool: Tool,
    /// Where.
    pub host: Host,
    /// How long the machine was watched.
    pub window_seconds: Seconds,
    /// What was found, most severe first.
    pub findings: Vec<Finding>,
    /// Every kind of memory that was looked at.
    pub looked_at: Vec<LookedAt>,
    /// From so many bytes on, something is worth a finding.
    pub large_bytes: u64,
    /// What grew, beside what was traced of it.
    pub books: Vec<Book>,
    /// What all of it follows from.
    pub evidence: Evidence,
}

/// What a case follows from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The machine at the beginning.
    pub before: Snapshot,
    /// And at the end.
    pub after: Snapshot,
    /// Who took page frames in between; none where tracing cannot work.
    pub trace: Option<Report>,
    /// The processes as they grew in between, or replaced each other.
    pub processes: Vec<ProcessEntry>,
    /// What differs from another machine, or from another time; none if nobody asked.
    pub against: Option<SnapshotDiff>,
    /// What could not be done.
    pub limitations: Vec<Limitation>,
    /// What tells this boot of this machine from all others; none if it could not be read.
    pub boot_id: Option<String>,
}

/// One kind of memory that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookedAt {
    /// Which.
    pub subject: Subject,
    /// What it has at the end; none if that is not known.
    pub bytes: Option<i64>,
    /// By how much it grew; none if that is not known.
    pub growth_bytes: Option<i64>,
}

/// A kind of memory, as the walk of a case has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// Page frames that no counter shows.
    NoCounter,
    /// Slabs that are not reclaimable.
    Slab,
    /// What vmalloc handed out.
    Vmalloc,
    /// Other memory of the kernel that a counter shows: stacks, page tables, per-CPU memory, GPUs.
    OtherKernel,
    /// tmpfs, memfds, segments.
    Shmem,
    /// Anonymous memory of processes.
    Processes,
    /// Memory control groups, and whom the kernel kills in them.
    Cgroups,
    /// What was set aside: huge pages, balloons, caches of drivers.
    Reserved,
    /// The page cache.
    PageCache,
    /// Another machine, or another time.
    Other,
}

/// Growth of one kind of memory, beside the page frames that were traced for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    /// Which kind.
    pub subject: Subject,
    /// By how much it grew between both looks.
    pub growth_bytes: i64,
    /// What was traced for it and is still there.
    pub traced_bytes: u64,
    /// What was taken in the drain and so is not recorded, if growth went on.
    pub drain_estimate_bytes: u64,
}

/// The form of cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CaseSchema {
    /// This one.
    #[default]
    #[serde(rename = "pagetrace.case/1")]
    V1,
}

impl Case {
    /// The severest of the findings.
    pub fn gravity(&self) -> Option<super::Gravity> {
        self.findings.iter().map(|it| it.gravity).max()
    }
}

impl Book {
    /// What is neither traced nor likely to have been taken in the drain. Below zero, more was traced
    /// than the kind grew by: something else of it was freed.
    pub fn gap_bytes(&self) -> i64 {
        let explained = self.traced_bytes.saturating_add(self.drain_estimate_bytes);
        let explained = i64::try_from(explained).unwrap_or(i64::MAX);
        self.growth_bytes.saturating_sub(explained)
    }
}

impl Subject {
    /// Those that every case looks at, in this order.
    pub const LOOKED_AT: [Self; 9] = [
        Self::NoCounter,
        Self::Slab,
        Self::Vmalloc,
        Self::OtherKernel,
        Self::Shmem,
        Self::Processes,
        Self::Cgroups,
        Self::Reserved,
        Self::PageCache,
    ];

    /// The lines of a balance that are of it, by the kernel's names; none of what no line is of.
    pub const fn lines(self) -> &'static [&'static str] {
        match self {
            Self::NoCounter => &["MemTotal - all above"],
            Self::Slab => &["SUnreclaim"],
            Self::Vmalloc => &["VmallocUsed - KernelStack", "VmallocUsed"],
            Self::OtherKernel => &[
                "KernelStack",
                "PageTables",
                "SecPageTables",
                "Percpu",
                "GPUActive + GPUReclaim",
            ],
            Self::Shmem => &["Shmem"],
            Self::Processes => &["AnonPages"],
            Self::Reserved => &["nr_hugepages of every size"],
            Self::PageCache => &["Cached - Shmem", "Buffers"],
            Self::Cgroups | Self::Other => &[],
        }
    }

    /// The one that a line of a balance is of. Idle huge pages are a part of their line.
    pub fn of_line(field: &str) -> Self {
        let mut all = Self::LOOKED_AT.into_iter();
        let of_it = all.find(|it| it.lines().contains(&field));
        of_it.unwrap_or(Self::Reserved)
    }

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoCounter => "kernel pages in no counter",
            Self::Slab => "unreclaimable slab",
            Self::Vmalloc => "vmalloc",
            Self::OtherKernel => "stacks and page tables",
            Self::Shmem => "shmem and tmpfs",
            Self::Processes => "memory of processes",
            Self::Cgroups => "kills in memory cgroups",
            Self::Reserved => "set aside",
            Self::PageCache => "page cache",
            Self::Other => "against the other",
        }
    }
}
