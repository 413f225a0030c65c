//! The maps and the load-time constants.

use aya_ebpf::{
    Global,
    bindings::BPF_F_MMAPABLE,
    macros::map,
    maps::{Array, HashMap, PerCpuArray, Queue},
};
use tracer_ebpf::{Chunk, Control, Site, Tally};

// The sizes below are placeholders: user space knows how many page frames and
// sites there are, and sets `max_entries` when it loads the object.

#[map]
pub(crate) static SLOTS: Array<Chunk> = Array::with_max_entries(1, BPF_F_MMAPABLE);

#[map]
pub(crate) static SITES: Array<Site> = Array::with_max_entries(1, BPF_F_MMAPABLE);

/// Preallocated (the default), so that a new site never allocates in the allocator.
#[map]
pub(crate) static SITE_IDS: HashMap<u64, u32> = HashMap::with_max_entries(1, 0);

/// A queue hands out ids without an atomic counter, which would need Linux 5.12.
#[map]
pub(crate) static FREE_SITES: Queue<u32> = Queue::with_max_entries(1, 0);

#[map]
pub(crate) static SITE_PAGES: PerCpuArray<u64> = PerCpuArray::with_max_entries(1, 0);

#[map]
pub(crate) static CONTROL: Array<Control> = Array::with_max_entries(1, 0);

#[map]
pub(crate) static TALLY: PerCpuArray<Tally> = PerCpuArray::with_max_entries(1, 0);

/// Where a stack is unwound to before its site is known. One per CPU is enough:
/// the kernel never runs a program inside itself on the same CPU.
#[map]
pub(crate) static SCRATCH: PerCpuArray<Site> = PerCpuArray::with_max_entries(1, 0);

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
