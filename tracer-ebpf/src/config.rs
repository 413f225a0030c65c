//! What the programs are told before they are loaded: one record for each object.
//!
//! The kernel knows these values when it verifies the programs, and removes the code that
//! they rule out. All records are `repr(C)` without padding.

use crate::{InterruptCode, taker};

/// The name of the record in each object.
pub const CONFIG: &str = "CONFIG";

/// A process id that no process has.
pub const NOBODY: u32 = u32::MAX;

/// A migratetype that no page has.
pub const NO_MIGRATETYPE: u32 = u32::MAX;

/// A record of an object's read-only data, which user space sets before it loads the programs.
#[repr(transparent)]
pub struct LoadTime<T>(T);

impl<T> LoadTime<T> {
    /// The values unless user space sets others.
    pub const fn new(defaults: T) -> Self {
        Self(defaults)
    }

    /// Reads a field.
    #[inline(always)]
    pub fn get<F: Copy>(&self, field: impl FnOnce(&T) -> &F) -> F {
        let field = &raw const *field(&self.0);
        // SAFETY: it comes from a reference. Volatile, for the compiler would take the default
        // for the value.
        unsafe { field.read_volatile() }
    }
}

/// What the trace's programs are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct TraceConfig {
    /// Where the `struct page`s are.
    pub pages: PageConfig,
    /// The page frames that the slot table covers.
    pub spans: [Span; SPANS],
    /// The largest order of this kernel, at most [`MAX_ORDER`](crate::MAX_ORDER).
    pub largest_order: u64,
    /// Who is told apart at one stack, as of [`taker`].
    pub taker: u64,
    /// What is recorded.
    pub filters: FilterConfig,
    /// Where interrupts enter the kernel.
    pub interrupts: InterruptCode,
    /// How stacks are unwound.
    pub unwind: UnwindConfig,
    /// How the bulk allocator is called.
    pub bulk: BulkConfig,
    /// What the records of the tracefs tracepoints look like.
    pub tracefs: TracefsConfig,
    /// Offset of the list links in a `struct page` (`lru`), in bytes.
    pub page_list: u32,
    /// The tracer's process id in the initial namespace, whose pages are counted and not
    /// recorded, or [`NOBODY`].
    pub own_process: u32,
    /// Zero.
    pub unused: u32,
}

/// Page frames that follow each other, and where the slot table has them. Machines have memory at
/// addresses that lie far apart, as one with two sockets of arm64 has at 64 TiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Span {
    /// The first page frame, a multiple of [`CHUNK_SLOTS`](crate::CHUNK_SLOTS).
    pub first: u64,
    /// How many there are; 0 for none.
    pub frames: u64,
    /// Its slot's place in the table, likewise a multiple.
    pub slot: u64,
}

/// How many spans there can be.
pub const SPANS: usize = 8;

impl Span {
    /// No page frame.
    pub const NONE: Self = Self {
        first: 0,
        frames: 0,
        slot: 0,
    };
}

/// What the queries and probes are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct QueryConfig {
    /// Where the `struct page`s are.
    pub pages: PageConfig,
    /// The tracer's process id in the initial namespace, or that of nobody.
    pub own_process: u64,
}

/// The array of all `struct page`, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct PageConfig {
    /// Address of the `struct page` of page frame 0.
    pub base: u64,
    /// Size of a `struct page`; a program with 0 is never loaded.
    pub size: u64,
}

/// What is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct FilterConfig {
    /// The first page frame.
    pub first_frame: u64,
    /// The last page frame.
    pub last_frame: u64,
    /// Device of the process namespace that `process` is an id in.
    pub namespace_device: u64,
    /// Inode of that namespace; 0 for the initial one.
    pub namespace_inode: u64,
    /// Id of the one cgroup (v2) to record with all below it; 0 for all.
    pub cgroup: u64,
    /// How deep that cgroup lies below the root.
    pub cgroup_level: i32,
    /// The one process; [`NOBODY`] for all.
    pub process: u32,
    /// The least order.
    pub least_order: u32,
    /// The greatest order.
    pub greatest_order: u32,
    /// gfp flags that an allocation must have, all of them.
    pub gfp_required: u32,
    /// gfp flags that an allocation must not have, none of them.
    pub gfp_excluded: u32,
    /// How pages of user memory are known, which are not recorded.
    pub user_memory: UserMemoryConfig,
}

/// How pages of user memory are told from other movable ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct UserMemoryConfig {
    /// The value of `MIGRATE_MOVABLE` in this kernel, or [`NO_MIGRATETYPE`] to record user memory
    /// too.
    pub migratetype: u32,
    /// gfp flags that all user memory has.
    pub gfp: u32,
    /// gfp flags that tell balloons from user memory.
    pub balloon_mask: u32,
    /// Which of them balloons have.
    pub balloon: u32,
}

/// How stacks are unwound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct UnwindConfig {
    /// One of [`unwinding`].
    pub by: u32,
    /// 1 if the [cast](crate::rdonly_cast) was made a call of the kernel's function, 0 to copy
    /// stacks.
    pub in_place: u32,
    /// From 1 to 2^31: of so many stacks unwound by rules, the kernel unwinds one too.
    pub check_every: u32,
    /// How far above the registers that an exception saved their frame record lies, in bytes; 0 where
    /// the record is one like others (before Linux 6.13). Of [`unwinding::RECORDS`].
    pub registers: u32,
}

/// How stacks are unwound.
pub mod unwinding {
    /// By the kernel's unwinder, always.
    pub const KERNEL: u32 = 0;
    /// By rules that user space learns.
    pub const RULES: u32 = 1;
    /// By the frame records that the kernel's functions keep on their stack.
    pub const RECORDS: u32 = 2;
}

/// How the bulk allocator is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct BulkConfig {
    /// Which argument is the list that it fills, counted from 0.
    pub list: u32,
    /// Which argument is the array that it fills.
    pub array: u32,
    /// Behind which arguments its result lies.
    pub result: u32,
}

/// Offsets of fields in the records of the tracefs tracepoints, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct TracefsConfig {
    /// `pfn` of `mm_page_alloc`.
    pub alloc_pfn: u32,
    /// `order` of `mm_page_alloc`.
    pub alloc_order: u32,
    /// `gfp_flags` of `mm_page_alloc`.
    pub alloc_gfp: u32,
    /// `migratetype` of `mm_page_alloc`.
    pub alloc_migratetype: u32,
    /// `pfn` of `mm_page_free`.
    pub free_pfn: u32,
    /// `order` of `mm_page_free`.
    pub free_order: u32,
}

impl TraceConfig {
    /// Records all pages of a machine without page frames.
    pub const DEFAULT: Self = Self {
        pages: PageConfig::DEFAULT,
        spans: [Span::NONE; SPANS],
        largest_order: crate::MAX_ORDER as u64,
        taker: taker::ANYBODY,
        filters: FilterConfig::DEFAULT,
        interrupts: InterruptCode::NONE,
        unwind: UnwindConfig {
            by: unwinding::KERNEL,
            in_place: 0,
            check_every: 1,
            registers: 0,
        },
        bulk: BulkConfig {
            list: 0,
            array: 0,
            result: 0,
        },
        tracefs: TracefsConfig {
            alloc_pfn: 0,
            alloc_order: 0,
            alloc_gfp: 0,
            alloc_migratetype: 0,
            free_pfn: 0,
            free_order: 0,
        },
        page_list: 0,
        own_process: NOBODY,
        unused: 0,
    };
}

impl QueryConfig {
    /// Knows nobody, and no page.
    pub const DEFAULT: Self = Self {
        pages: PageConfig::DEFAULT,
        own_process: NOBODY as u64,
    };
}

impl PageConfig {
    /// Page structs of the usual size, which are nowhere.
    const DEFAULT: Self = Self { base: 0, size: 64 };
}

impl FilterConfig {
    /// Records everything.
    pub const DEFAULT: Self = Self {
        first_frame: 0,
        last_frame: u64::MAX,
        namespace_device: 0,
        namespace_inode: 0,
        cgroup: 0,
        cgroup_level: 0,
        process: NOBODY,
        least_order: 0,
        greatest_order: u32::MAX,
        gfp_required: 0,
        gfp_excluded: 0,
        user_memory: UserMemoryConfig {
            migratetype: NO_MIGRATETYPE,
            gfp: 0,
            balloon_mask: 0,
            balloon: u32::MAX,
        },
    };
}

const _: () = assert!(size_of::<FilterConfig>() == 5 * 8 + 10 * 4);
const _: () = assert!(size_of::<TraceConfig>() == 4 * 8 + SPANS * 24 + 80 + 64 + 15 * 4 + 4);
const _: () = assert!(size_of::<QueryConfig>() == 3 * 8);
