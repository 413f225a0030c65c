//! What was found to be wrong, how sure that is, and what would help.

use serde::{Deserialize, Serialize};

use super::{
    Book, Culprit, Device, GrownMapping, HeldAccount, Kind, MemoryCgroup, ObjectKind, ObjectOwner,
    Peek, Process, Replaced, ShmemEntry, SocketState, Subject, Trend,
};

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad it is.
    pub gravity: Gravity,
    /// What it is about.
    pub cause: Cause,
    /// What it has, in bytes.
    pub bytes: u64,
    /// By how much it grew while it was watched; none if that is not known.
    pub growth_bytes: Option<i64>,
    /// How sure it is.
    pub certainty: Sureness,
    /// What would give the memory back, the best first.
    pub remedies: Vec<Remedy>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gravity {
    /// Good to know, and nothing wrong.
    Information,
    /// It may be wrong.
    Suspicious,
    /// Memory is lost.
    Leak,
}

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sureness {
    /// It follows from sizes alone.
    Possible,
    /// It was seen to go on.
    Likely,
    /// It was counted, page frame by page frame.
    Counted,
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Cause {
    /// Pipes, sockets or rings that hold page frames.
    Held(Box<HeldCause>),
    /// A function that takes page frames which nothing was found to hold.
    Site(SiteCause),
    /// A line of the balance that is too large.
    Counter(Culprit),
    /// A slab cache that grew.
    SlabCache {
        /// Its name.
        name: String,
        /// Who took most of its slabs; none if that is not known.
        taken_by: Option<TakenBy>,
        /// What they are and what is normal of them, where that is known.
        known: Option<KnownMemory>,
    },
    /// A caller of vmalloc that got more.
    Vmalloc {
        /// The function.
        function: String,
        /// Its module.
        module: Option<String>,
        /// What it is and what is normal of it, where that is known.
        known: Option<KnownMemory>,
    },
    /// A file system in memory.
    FileSystem(Box<FileSystemCause>),
    /// Shared memory that no name leads to.
    Shmem(Box<ShmemEntry>),
    /// A process that grows.
    Process(Box<ProcessCause>),
    /// A program that is killed again and again, as a memory control group is full.
    Killed(Box<ProcessCause>),
    /// Memory that was set aside, by somebody's wish.
    Reserved {
        /// What it is.
        name: String,
        /// Who has most of it; none if that is not known.
        holder: Option<String>,
    },
    /// The page cache, which the kernel gives back when it is needed.
    PageCache,
    /// Processes of one command line have more than on the other machine.
    Difference(Box<DifferenceCause>),
    /// Growth that was not traced.
    OpenBook(Book),
}

/// Page frames that pipes, sockets or rings hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldCause {
    /// What they are.
    pub object: ObjectKind,
    /// What they are called together.
    pub name: String,
    /// What tells them from others, at another moment as well.
    pub key: String,
    /// How many there are.
    pub objects: u64,
    /// Who has them.
    pub owner: ObjectOwner,
    /// The state of the first process.
    pub state: Option<char>,
    /// What they hold.
    pub account: HeldAccount,
    /// What is known of the largest, if it is a socket.
    pub socket: Option<SocketState>,
    /// Why it is a finding.
    pub reasons: Vec<Reason>,
    /// Who took most of their page frames while it was watched.
    pub taken_by: Option<TakenBy>,
}

/// What speaks for a leak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Its process is stopped.
    Stopped,
    /// It grew while it was watched.
    Grew,
    /// It had as much at both looks.
    Unread,
    /// It pins many times what it contains.
    Wasteful,
    /// No process can reach it.
    Unreachable,
    /// Most of it waits to be sent: it is up to the other end.
    Unsent,
}

/// Who took page frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenBy {
    /// The function.
    pub function: String,
    /// Its module.
    pub module: Option<String>,
    /// How many it took that are still there.
    pub pages: u64,
}

/// A function that takes page frames and keeps them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SiteCause {
    /// The function, with the kind that most of the pages are.
    pub taken_by: TakenBy,
    /// What most of them are.
    pub page_kind: Option<Kind>,
    /// What it took while it was watched, the freed ones included.
    pub allocated_pages: u64,
    /// Whether what it keeps goes on growing.
    pub trend: Option<Trend>,
    /// How many of its pages something was found to hold.
    pub held_pages: u64,
    /// What such memory is and what is normal of it, where that is known.
    pub known: Option<KnownMemory>,
}

/// What is known of memory by whoever takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownMemory {
    /// What people call it.
    pub name: String,
    /// What it is.
    pub what: String,
    /// Who usually holds it.
    pub who: String,
    /// What is normal.
    pub normal: String,
}

/// A file system in memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileSystemCause {
    /// What tells it from all others: many are mounted at places of one name.
    pub device: Device,
    /// It as a whole.
    pub whole: ShmemEntry,
    /// Its largest files, those that were deleted and are open still among them.
    pub files: Vec<ShmemEntry>,
    /// What deleted files have of it.
    pub deleted_bytes: u64,
}

/// A process, or the last of a program's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcessCause {
    /// It.
    pub process: Process,
    /// The mapping that grew most, or is largest.
    pub mapping: Option<GrownMapping>,
    /// Its control group.
    pub cgroup: Option<MemoryCgroup>,
    /// Those that it replaced.
    pub replaced: Option<Replaced>,
    /// Whom the kernel kills next if the control group gets full again; none of what is no such finding,
    /// or if it may kill nobody there.
    #[serde(default)]
    pub next: Option<NextKill>,
    /// What the mapping holds; none if it could not be looked at.
    pub content: Option<Peek>,
}

/// The process of which the kernel's out-of-memory killer thinks worst in a control group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NextKill {
    /// It.
    pub process: Process,
    /// What it has, with what its owner adds, in thousandths of what the group may have; more than 1000 if
    /// some of it is charged elsewhere. `oom_score` is the same of the whole machine, in other units.
    pub score: i64,
}

/// What differs from the other machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DifferenceCause {
    /// The kind of memory that differs most: free, user, kernel, unaccounted.
    pub group: String,
    /// The command line whose processes differ most.
    pub command: String,
    /// What they have there.
    pub there_bytes: u64,
    /// What they have here.
    pub here_bytes: u64,
    /// The mapping that differs most.
    pub mapping: Option<String>,
    /// One of them that runs here.
    pub pid: Option<u32>,
    /// What the mapping holds; none if it could not be looked at.
    pub content: Option<Peek>,
}

/// Something to do, by whoever reads it: pagetrace does none of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// The command, or the deed in words.
    pub command: String,
    /// What it is expected to give back; none if that cannot be told.
    pub gives_bytes: Option<u64>,
}

impl Remedy {
    /// One that gives so much back.
    pub fn giving(command: impl Into<String>, bytes: u64) -> Self {
        Self {
            command: command.into(),
            gives_bytes: Some(bytes),
        }
    }

    /// One of which nobody can tell.
    pub fn of(command: impl Into<String>) -> Self {
        Self {
            command: command.into(),
            gives_bytes: None,
        }
    }
}

impl Cause {
    /// The kind of memory that it is about.
    pub fn subject(&self) -> Subject {
        match self {
            Self::Held(_) | Self::Site(_) => Subject::NoCounter,
            Self::Counter(culprit) => Subject::of_line(&culprit.field),
            Self::SlabCache { .. } => Subject::Slab,
            Self::Vmalloc { .. } => Subject::Vmalloc,
            Self::FileSystem(_) | Self::Shmem(_) => Subject::Shmem,
            Self::Process(_) => Subject::Processes,
            Self::Killed(_) => Subject::Cgroups,
            Self::Reserved { .. } => Subject::Reserved,
            Self::PageCache => Subject::PageCache,
            Self::Difference(_) => Subject::Other,
            Self::OpenBook(book) => book.subject,
        }
    }
}

impl Gravity {
    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Information => "information",
            Self::Suspicious => "suspicious",
            Self::Leak => "leak",
        }
    }
}
