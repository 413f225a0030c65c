//! Who holds the page frames that no counter explains, for people and programs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Choice, Explanation, Host, Limitation, PageUse, Seconds, SocketState, Tool, Walked};

/// What can hold page frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectKind {
    /// A pipe.
    Pipe,
    /// A socket's queues.
    Socket,
    /// A packet socket with its rings.
    PacketRing,
    /// The ring of perf events.
    PerfRing,
    /// The rings of an io_uring.
    IoUring,
    /// An AF_XDP socket with the user memory that was registered with it.
    XdpMemory,
    /// The packets that wait to be read from a file of a tun, tap or macvtap device.
    TunQueue,
    /// A ring buffer of BPF programs.
    BpfRingBuffer,
    /// The page that a task takes data for sockets from.
    TaskFragment,
    /// Packets that wait on a CPU to be freed.
    DeferredPackets,
}

impl ObjectKind {
    /// What people call one.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pipe => "pipe",
            Self::Socket => "socket",
            Self::PacketRing => "AF_PACKET ring",
            Self::PerfRing => "perf ring",
            Self::IoUring => "io_uring ring",
            Self::XdpMemory => "AF_XDP umem",
            Self::TunQueue => "tun/tap queue",
            Self::BpfRingBuffer => "BPF ring buffer",
            Self::TaskFragment => "task fragment",
            Self::DeferredPackets => "list of deferred packets",
        }
    }
}

/// Everything that was found to hold page frames that no counter explains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HoldersReport {
    /// Its form.
    pub schema: HoldersSchema,
    /// What made it.
    pub tool: Tool,
    /// Where.
    pub host: Host,
    /// When.
    pub taken_at: Timestamp,
    /// How long it took to look.
    pub seconds: Seconds,
    /// The sums.
    pub totals: HoldersTotals,
    /// What `growth_bytes` is measured against; none without a baseline.
    pub baseline: Option<HoldersBaseline>,
    /// What the groups are made by.
    pub by: HoldersBy,
    /// Objects that are shown together, most bytes first.
    pub groups: Vec<HolderGroup>,
    /// Every object by itself, most bytes first.
    pub holders: Vec<PageHolder>,
    /// What memory control groups have of what no counter explains, most first.
    pub cgroups: Vec<CgroupPages>,
    /// Bytes that nothing which was found refers to, by what they are used for.
    pub unheld: BTreeMap<PageUse, u64>,
    /// What is known of the page frames that nothing was found to hold; none if nobody asked.
    pub explanation: Option<Explanation>,
    /// What could not be followed.
    pub losses: HoldersLosses,
    /// What could not be read.
    pub limitations: Vec<Limitation>,
}

/// Another look, before this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldersBaseline {
    /// When.
    pub taken_at: Timestamp,
    /// How many bytes more nothing that was found refers to than then.
    pub unheld_growth_bytes: i64,
}

/// Sums, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldersTotals {
    /// Page frames that no counter of their own explains.
    pub unexplained_bytes: u64,
    /// Those of them that something was found to hold.
    pub held_bytes: u64,
    /// The rest.
    pub unheld_bytes: u64,
    /// What of the rest is per-CPU memory, by the counter `Percpu`; none before Linux 5.6.
    pub per_cpu_bytes: Option<u64>,
}

/// What could not be followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldersLosses {
    /// Queues and lists that were changed while they were followed.
    pub raced_queues: u64,
    /// Pointers that lead to no page frame.
    pub stray_pointers: u64,
    /// Objects that could not be read.
    pub unreadable_objects: u64,
    /// References that only one of two walks saw.
    pub unconfirmed_references: u64,
}

/// What a memory control group has of what no counter explains, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CgroupPages {
    /// Its path; none of a group whose name could not be read, or of holders in none.
    pub cgroup: Option<String>,
    /// The Kubernetes pod that its path names.
    pub pod: Option<String>,
    /// What the kernel charges it for.
    pub charged_bytes: u64,
    /// What nobody is charged for, and its processes hold.
    pub held_uncharged_bytes: u64,
}

/// Something that holds page frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageHolder {
    /// What it is.
    pub kind: ObjectKind,
    /// Which one it is: `pipe:[4711]`, `tcp 10.0.0.1:80 -> 10.0.0.2:4711`.
    pub object: String,
    /// Who has it.
    #[serde(flatten)]
    pub owner: ObjectOwner,
    /// The state of the first process: `R`, `S`, `D`, `T` … as in proc(5).
    pub state: Option<char>,
    /// The number of its network namespace.
    pub netns: Option<u64>,
    /// The network device whose queue it is, or whose page pool has the page frames.
    pub device: Option<String>,
    /// What it holds.
    #[serde(flatten)]
    pub account: HeldAccount,
    /// What is known of a socket.
    pub socket: Option<SocketState>,
    /// What was found in a socket's queues.
    pub queues: Option<Walked>,
}

/// What is held, and what it is worth to let go of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldAccount {
    /// Bytes of all page frames that are referred to, whole blocks of them, each once.
    pub pinned_bytes: u64,
    /// Bytes of data.
    pub payload_bytes: u64,
    /// References to these page frames that were found, whoever holds them.
    pub references_found: u64,
    /// References that the kernel counts.
    pub references_counted: u64,
    /// Bytes that are free once all of it is closed, as nobody else refers to them.
    pub frees_bytes: u64,
    /// References that only one of two walks saw: what is held changes.
    pub unconfirmed: u64,
}

/// Who has an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectOwner {
    /// The first process that has it.
    pub pid: Option<u32>,
    /// All processes that have it.
    pub pids: Vec<u32>,
    /// The name of the first process.
    pub comm: Option<String>,
    /// The first process's descriptor of it.
    pub fd: Option<u32>,
    /// How it is held where no process has a descriptor of it, or why none has.
    pub holding: Option<HeldBy>,
    /// The memory control group of the first process; of page frames that the kernel charges to one, that.
    pub cgroup: Option<String>,
}

impl ObjectOwner {
    /// The first process, how many more there are, and these descriptors: `nginx (pid 7 and 2 more, fd
    /// 12)`. None without a process.
    pub fn name(&self, descriptors: Option<&str>) -> Option<String> {
        let (name, pid) = (self.comm.as_deref().unwrap_or("?"), self.pid?);
        let others = match self.pids.len() {
            0 | 1 => String::new(),
            all => format!(" and {} more", all - 1),
        };
        let descriptors = descriptors.map(|it| format!(", {it}")).unwrap_or_default();
        Some(format!("{name} (pid {pid}{others}{descriptors})"))
    }

    /// Its descriptor: `fd 12`.
    pub fn descriptor(&self) -> Option<String> {
        self.fd.map(|fd| format!("fd {fd}"))
    }
}

/// How something is held that no descriptor refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeldBy {
    /// It was sent over a socket of this process, and is not received yet.
    InFlight,
    /// It is a connection that this process has not accepted.
    NotAccepted,
    /// It is mapped by this process.
    Mapping,
    /// Its process has closed it; the protocol still works on it.
    Orphan,
    /// By the kernel itself.
    Kernel,
    /// By the task itself.
    Task,
    /// It is mapped, used by a BPF program, or has a path in a BPF file system.
    Bpf,
    /// By something that was not found.
    Unknown,
}

impl HeldBy {
    /// What people say of it; nothing of what is the usual.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::InFlight => "sent and not received",
            Self::NotAccepted => "not accepted",
            Self::Mapping => "mapped",
            Self::Orphan => "closed by its process",
            Self::Kernel => "of the kernel itself",
            Self::Task => return None,
            Self::Bpf => "mapped, pinned, or used by a program",
            Self::Unknown => "held by nothing that was found",
        })
    }
}

/// Objects that are shown together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolderGroup {
    /// What they have in common.
    pub name: String,
    /// What tells them from other groups, at another moment as well.
    pub key: String,
    /// How many there are.
    pub objects: u64,
    /// The state of their process, if they have one.
    pub state: Option<char>,
    /// What they hold together.
    #[serde(flatten)]
    pub account: HeldAccount,
    /// How many bytes more they pin than at the baseline; none without one.
    pub growth_bytes: Option<i64>,
}

/// The form of what `pagetrace holders --json` writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum HoldersSchema {
    /// This one.
    #[default]
    #[serde(rename = "pagetrace.holders/1")]
    V1,
}

/// What objects are shown together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldersBy {
    /// Those of one kind that the same processes have.
    #[default]
    Holder,
    /// Each by itself.
    Object,
    /// Those of a process.
    Process,
    /// Those of processes in a memory control group.
    Cgroup,
    /// Those in a network namespace.
    Netns,
    /// Those with page frames of a network device's page pool.
    Device,
    /// Those of a kind.
    Kind,
}

impl Choice for HoldersBy {
    const ALL: &'static [Self] = &[
        Self::Holder,
        Self::Object,
        Self::Process,
        Self::Cgroup,
        Self::Netns,
        Self::Device,
        Self::Kind,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Holder => "holder",
            Self::Object => "object",
            Self::Process => "process",
            Self::Cgroup => "cgroup",
            Self::Netns => "netns",
            Self::Device => "device",
            Self::Kind => "kind",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Holder => "The kind, and the processes that have them",
            Self::Object => "Each pipe, socket and ring by itself",
            Self::Process => "The process",
            Self::Cgroup => "The memory control group of the process",
            Self::Netns => "The network namespace",
            Self::Device => "The network device whose page pool has the page frames",
            Self::Kind => "The kind: pipe, socket, ring",
        }
    }
}
