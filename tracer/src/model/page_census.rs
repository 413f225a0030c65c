//! Every page frame of the machine, by what it is used for.

use serde::{Deserialize, Serialize};

use super::Choice;

/// What a page frame is used for, as its `struct page` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PageUse {
    /// On the free lists of the buddy allocator.
    Free,
    /// Free, on the lists of single CPUs.
    FreeOnCpu,
    /// Anonymous memory.
    Anonymous,
    /// Anonymous memory that no process has mapped, and that is not in the swap cache: pinned.
    AnonymousUnmapped,
    /// Page cache.
    File,
    /// Page cache of tmpfs, memfds and shared anonymous memory.
    Shmem,
    /// Huge pages of hugetlbfs.
    Hugetlb,
    /// User memory that belongs to no file and no anonymous memory any more: held by somebody.
    Pinned,
    /// Objects of a slab cache.
    Slab,
    /// Objects too large for slabs.
    LargeKmalloc,
    /// Page tables.
    PageTable,
    /// Pages of a network driver's page pool.
    PagePool,
    /// Compressed swap.
    Zsmalloc,
    /// Given back to a hypervisor, by a balloon.
    Offline,
    /// Kernel memory that is charged to a memory control group.
    Charged,
    /// Memory of vmalloc, kernel stacks among it.
    Vmalloc,
    /// Other kernel memory: per-CPU memory, and what no counter shows.
    Plain,
    /// Kernel memory without a reference: the other pages of blocks that are no compound pages,
    /// and frozen pages.
    Unreferenced,
    /// Never managed by the page allocator.
    Reserved,
    /// No memory at all.
    Absent,
}

impl Choice for PageUse {
    const ALL: &'static [Self] = &[
        Self::FreeOnCpu,
        Self::Anonymous,
        Self::AnonymousUnmapped,
        Self::File,
        Self::Shmem,
        Self::Hugetlb,
        Self::Pinned,
        Self::Slab,
        Self::LargeKmalloc,
        Self::PageTable,
        Self::PagePool,
        Self::Zsmalloc,
        Self::Offline,
        Self::Charged,
        Self::Vmalloc,
        Self::Plain,
        Self::Unreferenced,
        Self::Reserved,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::FreeOnCpu => "free-on-cpu",
            Self::Anonymous => "anonymous",
            Self::AnonymousUnmapped => "anonymous-unmapped",
            Self::File => "file",
            Self::Shmem => "shmem",
            Self::Hugetlb => "hugetlb",
            Self::Pinned => "pinned",
            Self::Slab => "slab",
            Self::LargeKmalloc => "large-kmalloc",
            Self::PageTable => "page-table",
            Self::PagePool => "page-pool",
            Self::Zsmalloc => "zsmalloc",
            Self::Offline => "offline",
            Self::Charged => "charged",
            Self::Vmalloc => "vmalloc",
            Self::Plain => "plain",
            Self::Unreferenced => "unreferenced",
            Self::Reserved => "reserved",
            Self::Absent => "absent",
        }
    }

    fn help(self) -> &'static str {
        self.title()
    }
}

impl PageUse {
    /// Whether no counter is of these page frames alone: they were taken straight from the page
    /// allocator, or somebody keeps them from being freed.
    pub const fn is_unexplained(self) -> bool {
        matches!(
            self,
            Self::Plain | Self::Unreferenced | Self::Charged | Self::PagePool | Self::Pinned
        )
    }

    /// Whether it is known who refers to such page frames: those that no counter explains, and some that
    /// a counter has as well, of slabs or of lists of user memory.
    pub const fn has_holders(self) -> bool {
        self.is_unexplained() || matches!(self, Self::LargeKmalloc | Self::AnonymousUnmapped)
    }

    /// What people call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::FreeOnCpu => "free, on lists of CPUs",
            Self::Anonymous => "anonymous",
            Self::AnonymousUnmapped => "anonymous, not mapped",
            Self::File => "page cache of files",
            Self::Shmem => "shmem",
            Self::Hugetlb => "huge pages (hugetlb)",
            Self::Pinned => "pinned without a mapping",
            Self::Slab => "slab",
            Self::LargeKmalloc => "large kmallocs",
            Self::PageTable => "page tables",
            Self::PagePool => "page pools",
            Self::Zsmalloc => "compressed swap",
            Self::Offline => "balloon",
            Self::Charged => "kernel, charged to a cgroup",
            Self::Vmalloc => "vmalloc",
            Self::Plain => "kernel, without a mark",
            Self::Unreferenced => "kernel, without a reference",
            Self::Reserved => "reserved",
            Self::Absent => "no memory",
        }
    }
}

/// What page frames have in common that are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageKey {
    /// What they are used for.
    pub page_use: PageUse,
    /// The address of what they belong to: a slab cache, a page pool, a control group, of vmalloc that
    /// in the function that asked; 0 for none.
    pub owner: u64,
    /// The order of their block.
    pub order: u8,
    /// Their NUMA node.
    pub node: u32,
}

/// Page frames that were taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageBlock {
    /// The first of them.
    pub first: u64,
    /// How many there are.
    pub pages: u64,
    /// What they are used for.
    pub page_use: PageUse,
    /// The address of what they belong to, as of [`PageKey`].
    pub owner: u64,
    /// How often something refers to them, as the kernel counts it; 0 for uses that a counter
    /// explains.
    pub references: u32,
    /// How often user space has one of them mapped, likewise.
    pub mappings: u64,
}

/// Page frames that have everything in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageGroup {
    /// What they are used for.
    pub page_use: PageUse,
    /// The slab cache, network device or control group that they belong to; of vmalloc, the function
    /// that asked.
    pub owner: Option<String>,
    /// The order of their block.
    pub order: u8,
    /// Their NUMA node.
    pub node: u32,
    /// How many there are.
    pub pages: u64,
}
