//! What a kernel or a user cannot do.

use std::{error, fmt};

use serde::{Deserialize, Serialize};

/// Something that pagetrace needs, or is better with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// The right to load and attach BPF programs, and to see page frame numbers.
    Privileges,
    /// The kernel's description of its types.
    Btf,
    /// Memory for the tables.
    Memory,
    /// Raw tracepoints, which need the array of page structs.
    RawTracepoints,
    /// Tracepoints by tracefs, which serve where raw ones cannot.
    TracefsTracepoints,
    /// Reading the kernel stack in place.
    StackReading,
    /// What each page is at the end (`/proc/kpageflags`).
    PageVerification,
    /// All programs, loaded and attached.
    Tracing,
    /// The pages of the bulk allocator, which passes no tracepoint.
    BulkAllocations,
    /// Names of kernel addresses.
    KernelSymbols,
    /// Files, lines and inlined functions.
    DebugInformation,
    /// Free pages on the lists of CPUs (`/proc/zoneinfo`).
    PerCpuLists,
    /// The counters of `/proc/vmstat`.
    Vmstat,
    /// Bytes that vmalloc has.
    VmallocBytes,
    /// Who asked vmalloc (`/proc/vmallocinfo`).
    VmallocCallers,
    /// The caches of the slab allocator (`/proc/slabinfo`).
    SlabCaches,
    /// The pools of huge pages (`/sys/kernel/mm/hugepages`).
    HugePagePools,
    /// System memory of GPUs.
    GpuMemory,
    /// What the descriptors of all processes refer to.
    Descriptors,
    /// The sockets of every network namespace.
    NetworkNamespaces,
    /// The rings of packet sockets.
    PacketRings,
    /// Memory of sockets.
    SocketMemory,
    /// A look at the packets in sockets.
    SocketQueues,
    /// The page pools of network drivers.
    PagePools,
    /// BPF maps and programs that no descriptor refers to.
    BpfMemory,
    /// Buffers that devices share.
    DmaBufs,
    /// The kernel's objects that hold page frames.
    PageHolders,
    /// Known holders of memory that no counter shows.
    KnownHolders,
    /// A look at every file system in memory.
    MemoryFileSystems,
    /// A look into every process, for what it has open and mapped.
    ProcessContents,
    /// System V segments (`/proc/sysvipc/shm`).
    SysvSegments,
    /// The processes (`/proc`).
    Processes,
    /// The processes of other users.
    ProcessesOfOthers,
    /// The mappings of a process (`/proc/PID/smaps`).
    ProcessMappings,
}

/// How much a limitation takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Tracing works, and something is lost or slower.
    Degrades,
    /// Tracing cannot work.
    Prevents,
}

/// Something that cannot be done here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limitation {
    /// What it is about.
    pub feature: Feature,
    /// Why, in one sentence without a full stop.
    pub reason: String,
    /// What to do about it, where something can be done.
    pub remedy: Option<String>,
    /// How much it takes away.
    pub severity: Severity,
}

/// One feature that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureCheck {
    /// What it is.
    pub feature: Feature,
    /// What was found.
    pub outcome: Result<String, Limitation>,
}

impl Feature {
    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Privileges => "privileges",
            Self::Btf => "BTF",
            Self::Memory => "memory",
            Self::RawTracepoints => "raw tracepoints",
            Self::TracefsTracepoints => "tracefs tracepoints",
            Self::StackReading => "stack reading",
            Self::PageVerification => "page verification",
            Self::Tracing => "tracing",
            Self::BulkAllocations => "bulk allocations",
            Self::KernelSymbols => "kernel symbols",
            Self::DebugInformation => "debug information",
            Self::PerCpuLists => "free pages on lists of CPUs",
            Self::Vmstat => "vmstat",
            Self::VmallocBytes => "bytes of vmalloc",
            Self::VmallocCallers => "callers of vmalloc",
            Self::SlabCaches => "slab caches",
            Self::HugePagePools => "pools of huge pages",
            Self::GpuMemory => "GPU memory",
            Self::Descriptors => "descriptors of all processes",
            Self::NetworkNamespaces => "sockets of every network namespace",
            Self::PacketRings => "rings of packet sockets",
            Self::SocketMemory => "memory of all sockets",
            Self::SocketQueues => "look into the queues of sockets",
            Self::PagePools => "page pools",
            Self::BpfMemory => "BPF maps and programs without a descriptor",
            Self::DmaBufs => "dma-bufs",
            Self::PageHolders => "page holders",
            Self::KnownHolders => "sum of known holders",
            Self::MemoryFileSystems => "look at every tmpfs",
            Self::ProcessContents => "look into every process",
            Self::SysvSegments => "look at every System V segment",
            Self::Processes => "processes",
            Self::ProcessesOfOthers => "processes of others",
            Self::ProcessMappings => "mappings",
        }
    }

    /// A limitation that only makes tracing worse.
    pub fn degraded(self, reason: impl Into<String>) -> Limitation {
        self.limited(Severity::Degrades, reason.into())
    }

    /// A limitation that makes tracing impossible.
    pub fn prevented(self, reason: impl Into<String>) -> Limitation {
        self.limited(Severity::Prevents, reason.into())
    }

    const fn limited(self, severity: Severity, reason: String) -> Limitation {
        Limitation {
            feature: self,
            reason,
            remedy: None,
            severity,
        }
    }
}

impl Limitation {
    /// The same with a remedy.
    #[must_use]
    pub fn remedied(self, remedy: impl Into<String>) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..self
        }
    }
}

impl fmt::Display for Limitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        self.remedy
            .iter()
            .try_for_each(|remedy| write!(f, ": {remedy}"))
    }
}

impl error::Error for Limitation {}

impl FeatureCheck {
    /// Whether tracing can work in spite of it.
    pub fn lets_trace(&self) -> bool {
        let severity = self.outcome.as_ref().err().map(|it| it.severity);
        severity != Some(Severity::Prevents)
    }
}
