//! What is known: plain values that can be written down and read back. No I/O, no
//! options, no formatting. Every other room uses these types; this one uses nothing.

mod balance;
mod case;
mod census;
mod choice;
pub mod context;
mod cost;
mod diff;
mod explanation;
mod finding;
mod found;
mod frame;
mod growth;
mod holder;
mod holders_report;
mod host;
mod image;
mod kind;
mod known_owner;
mod limitation;
mod look;
mod losses;
mod meminfo;
mod memory;
mod metrics;
mod page_census;
mod page_state;
mod pages_report;
mod peek;
mod proc_report;
mod process;
mod report;
mod saved;
mod seconds;
mod selection;
mod serving;
mod shmem;
mod shmem_balance;
mod site_record;
mod snapshot;
mod socket;
mod sockets_report;
mod stack_sample;
mod summary;
mod taker;
mod top;
mod tracer_frames;
mod trend;
mod verification;
mod window;

pub use balance::{Balance, Culprit, Line, Threshold, Verdict};
pub use case::{Book, Case, CaseSchema, Evidence, LookedAt, Subject};
pub use census::{Census, CensusRow, PageClass};
pub use choice::Choice;
pub use context::Context;
pub use cost::{Cost, ProgramTime};
pub use diff::{DiffSchema, Side, SnapshotDiff, StackChange, TraceDiff};
pub use explanation::{
    ContentClass, ContentPages, Explanation, PointersToImage, Referrer, ReferrerKind,
    SymbolPointers,
};
pub use finding::{
    Cause, DifferenceCause, FileSystemCause, Finding, Gravity, HeldCause, KnownMemory, NextKill,
    ProcessCause, Reason, Remedy, SiteCause, Sureness, TakenBy,
};
pub use found::{
    Found, FoundObject, FoundSocket, FoundTask, Held, HeldBlock, Holding, Lost, Reference, Weight,
};
pub use frame::Frame;
pub use growth::Growth;
pub use holder::{Certainty, HolderKind, HolderPart, KnownHolder};
pub use holders_report::{
    CgroupPages, HeldAccount, HeldBy, HolderGroup, HoldersBaseline, HoldersBy, HoldersLosses,
    HoldersReport, HoldersSchema, HoldersTotals, ObjectKind, ObjectOwner, PageHolder,
};
pub use host::Host;
pub use image::Image;
pub use kind::{Kind, KindChoice};
pub use known_owner::KnownOwner;
pub use limitation::{Feature, FeatureCheck, Limitation, Severity};
pub use look::{Look, LookSchema, LookSource};
pub use losses::{Losses, RecursionMisses, UnwindRuleUse};
pub use meminfo::Meminfo;
pub use memory::{HugePages, MemoryCounters, SlabCache, VmallocCaller, ZoneTotals};
pub use metrics::{LookMetrics, Metrics, SiteMetrics};
pub use page_census::{PageBlock, PageGroup, PageKey, PageUse};
pub use page_state::PageState;
pub use pages_report::{ListedBlock, PageUseRow, PagesBy, PagesList, PagesReport, PagesSchema};
pub use peek::{Counted, PageRun, Peek};
pub use proc_report::{
    GrownMapping, MappingGrowth, ProcReport, ProcSchema, ProcessEntry, ProcessReport,
    ProcessSchema, ProcessSort, Replaced,
};
pub use process::{
    Mapping, MemoryCgroup, MemoryLimit, Process, ProcessPart, Processes, Reclaim, Unread,
    UnreadReason,
};
pub use report::{HeldPages, NoStack, Report, Schema, Site, Task, Tool, Unfreed};
pub use saved::Saved;
pub use seconds::Seconds;
pub use selection::{FoldedBy, GroupBy, Selection, SortKey};
pub use serving::{ServiceStatus, StatusSchema};
pub use shmem::{
    Device, Holder, Holders, MemoryFileSystem, Shmem, ShmemContents, ShmemKind, ShmemObject,
    SizedFile, SysvSegment, WalkedFiles,
};
pub use shmem_balance::{ShmReport, ShmemBalance, ShmemEntry};
pub use site_record::SiteRecord;
pub use snapshot::{MemReport, Snapshot, SnapshotSchema};
pub use socket::{SocketOwner, SocketState, Walked};
pub use sockets_report::{
    ProtocolTotals, SocketEntry, SocketTotals, SocketsReport, SocketsSchema, TcpMemory,
};
pub use stack_sample::StackSample;
pub use summary::{AgeBucket, Entry, Share, Summary, Totals};
pub use taker::{ControlGroup, Takers};
pub use top::{
    TopDetail, TopExtent, TopKey, TopPosition, TopRow, TopScreen, TopSort, TopStep, TopTab,
};
pub use tracer_frames::TracerFrames;
pub use trend::{Doubt, Rate, Trend, TrendVerdict};
pub use verification::{Check, Verification, VerificationSchema};
pub use window::{Scope, Window};
