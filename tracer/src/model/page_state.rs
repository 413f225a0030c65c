//! What a page frame is now.

/// What a page is by its flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageState {
    /// On the free lists of the buddy allocator.
    Free,
    /// A huge page of hugetlbfs.
    HugeTlb,
    /// Part of a transparent huge page.
    Thp,
    /// Slab objects.
    Slab,
    /// A page table.
    PageTable,
    /// Given back to a hypervisor (balloon), or otherwise logically offline.
    Offline,
    /// Anonymous memory.
    Anonymous,
    /// Page cache or shmem.
    File,
    /// Reserved, never to be freed.
    Reserved,
    /// None of these: whoever took it knows.
    Unmarked,
}
