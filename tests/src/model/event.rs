//! What can happen to the programs.

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// `mm_page_alloc`
    Allocation {
        /// The first page of the block.
        page: Page,
        /// The block has 2^order pages.
        order: u32,
        /// The gfp flags.
        gfp: u32,
        /// The migratetype.
        migratetype: u32,
    },
    /// `mm_page_free`
    Free {
        /// The first page of the block.
        page: Page,
        /// The block has 2^order pages.
        order: u32,
    },
    /// User space begins another epoch.
    Epoch(u32),
}

/// What a `struct page *` points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// Nothing: the allocation failed.
    Null,
    /// The page of a page frame, be there such a frame or not.
    Frame(u64),
    /// So many pages before the first one.
    Before(u64),
}

impl Event {
    /// The page it is about.
    pub const fn page(&self) -> Option<Page> {
        match self {
            Self::Allocation { page, .. } | Self::Free { page, .. } => Some(*page),
            Self::Epoch(_) => None,
        }
    }
}
