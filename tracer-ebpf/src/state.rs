//! The maps and the load-time constants.

use aya_ebpf::{
    Global,
    bindings::BPF_F_MMAPABLE,
    macros::map,
    maps::{Array, HashMap, PerCpuArray, Queue, RingBuf},
};
use tracer_ebpf::{Chunk, Control, Counters, NOBODY, Site, Templates};

use crate::{bulk, sites::KnownSites, stack::Workspace, word::Word};

// The sizes below are placeholders: user space knows how many page frames and
// sites there are, and sets `max_entries` when it loads the object.

#[map]
pub(crate) static SLOTS: Array<Chunk> = Array::with_max_entries(1, BPF_F_MMAPABLE);

#[map]
pub(crate) static SITES: Array<Site> = Array::with_max_entries(1, BPF_F_MMAPABLE);

/// Preallocated (the default), so that a new site never allocates in the allocator.
#[map]
pub(crate) static SITE_IDS: HashMap<u64, u32> = HashMap::with_max_entries(1, 0);

/// What each CPU knows of `SITE_IDS`.
#[map]
pub(crate) static KNOWN_SITES: PerCpuArray<KnownSites> = PerCpuArray::with_max_entries(1, 0);

/// A queue hands out ids without an atomic counter, which would need Linux 5.12.
#[map]
pub(crate) static FREE_SITES: Queue<u32> = Queue::with_max_entries(1, 0);

#[map]
pub(crate) static SITE_PAGES: PerCpuArray<Word> = PerCpuArray::with_max_entries(1, 0);

#[map]
pub(crate) static CONTROL: Array<Control> = Array::with_max_entries(1, 0);

#[map]
pub(crate) static COUNTERS: PerCpuArray<Counters<Word>> = PerCpuArray::with_max_entries(1, 0);

/// Where a stack is unwound to before its site is known: one per CPU for the
/// tracepoint and one for the bulk allocator, which it can interrupt. A run in the
/// middle of another of the same program keeps away from it (`nesting`).
#[map]
pub(crate) static SCRATCH: PerCpuArray<Site> = PerCpuArray::with_max_entries(2, 0);

/// What calls of the bulk allocator that are under way were given, by the address of
/// their array: no two fill one array at once.
#[map]
pub(crate) static BULK_CALLS: HashMap<u64, bulk::Note> = HashMap::with_max_entries(CALLS, 0);

/// Far more calls than can be under way: those of interrupts, and those of tasks that
/// wait for memory.
const CALLS: u32 = 1024;

/// One for the program on the entry of the bulk allocator, one for that on the exit.
#[map]
pub(crate) static BULK_WORKSPACES: PerCpuArray<bulk::Workspace> =
    PerCpuArray::with_max_entries(2, 0);

#[map]
pub(crate) static TEMPLATES: Array<Templates> = Array::with_max_entries(1, BPF_F_MMAPABLE);

#[map]
pub(crate) static SAMPLES: RingBuf = RingBuf::with_byte_size(4096, 0);

/// What each CPU reads stacks with, and the walks that it remembers.
#[map]
pub(crate) static STACK: PerCpuArray<Workspace> = PerCpuArray::with_max_entries(1, 0);

#[map]
pub(crate) static PROBED_PAGES: Queue<u64> = Queue::with_max_entries(1, 0);

#[unsafe(no_mangle)]
pub(crate) static PAGE_ARRAY: Global<u64> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static PAGE_STRUCT_SIZE: Global<u64> = Global::new(64);
#[unsafe(no_mangle)]
pub(crate) static FRAMES: Global<u64> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static SKIPPED_MIGRATETYPE: Global<u32> = Global::new(tracer_ebpf::NO_MIGRATETYPE);
#[unsafe(no_mangle)]
pub(crate) static USER_GFP: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static BALLOON_GFP_MASK: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static BALLOON_GFP: Global<u32> = Global::new(u32::MAX);
#[unsafe(no_mangle)]
pub(crate) static FIRST_FRAME: Global<u64> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static LAST_FRAME: Global<u64> = Global::new(u64::MAX);
#[unsafe(no_mangle)]
pub(crate) static LEAST_ORDER: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static GREATEST_ORDER: Global<u32> = Global::new(u32::MAX);
#[unsafe(no_mangle)]
pub(crate) static GFP_REQUIRED: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static GFP_EXCLUDED: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static OWN_PROCESS: Global<u32> = Global::new(NOBODY);
#[unsafe(no_mangle)]
pub(crate) static ONLY_PROCESS: Global<u32> = Global::new(NOBODY);
#[unsafe(no_mangle)]
pub(crate) static NAMESPACE_DEVICE: Global<u64> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static NAMESPACE_INODE: Global<u64> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static ONLY_CGROUP: Global<u64> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static CGROUP_LEVEL: Global<i32> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static IRQ_ENTRY: Global<u64> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static IRQ_ENTRY_LEN: Global<u64> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static SOFTIRQ_ENTRY: Global<u64> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static SOFTIRQ_ENTRY_LEN: Global<u64> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static USE_TEMPLATES: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static READ_STACK: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static CHECK_EVERY: Global<u32> = Global::new(1);
#[unsafe(no_mangle)]
pub(crate) static PAGE_LIST_OFFSET: Global<u64> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static BULK_LIST_ARGUMENT: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static BULK_ARRAY_ARGUMENT: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static BULK_RESULT_ARGUMENT: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static ALLOC_PFN_OFFSET: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static ALLOC_ORDER_OFFSET: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static ALLOC_GFP_OFFSET: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static ALLOC_MIGRATETYPE_OFFSET: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static FREE_PFN_OFFSET: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static FREE_ORDER_OFFSET: Global<u32> = Global::new(0);
