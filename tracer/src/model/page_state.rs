//! What a page frame is now.

/// What a page is by its flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageState {
    /// On the free lists of the buddy allocator.
    Free,
    /// A huge page of hugetlbfs.
    HugeTlb,
    /// Part of the huge page of zeros.
    HugeZero,
    /// Slab objects.
    Slab,
    /// A page table.
    PageTable,
    /// Given back to a hypervisor (balloon), or otherwise logically offline.
    Offline,
    /// Anonymous memory.
    Anonymous,
    /// Part of a large folio of anonymous memory.
    LargeAnonymous,
    /// Anonymous memory that no process has mapped and that is not in the swap cache.
    Pinned,
    /// In the swap cache.
    SwapCache,
    /// Page cache or shmem, if it still belongs to a file.
    PageCache,
    /// With flags that pages of the page cache have before they are on the LRU list, if it
    /// belongs to a file: whoever else took it may set them, too.
    MaybePageCache,
    /// Reserved, never to be freed.
    Reserved,
    /// None of these: whoever took it knows.
    Unmarked,
}
