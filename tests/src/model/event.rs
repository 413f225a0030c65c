//! What can happen to the programs.

use super::Known;

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
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
        /// Which of the made-up stacks it has, by number. Only the rules see it: to
        /// the kernel all allocations have one stack.
        stack: usize,
        /// How many runs of the program it interrupts.
        depth: u64,
    },
    /// `mm_page_free`
    Free {
        /// The first page of the block.
        page: Page,
        /// The block has 2^order pages.
        order: u32,
        /// How many runs of the program it interrupts.
        depth: u64,
    },
    /// The bulk allocator is called with an array.
    BulkEntry(PageArray),
    /// It returns, with so many entries of the array full from the first on.
    BulkExit(PageArray, u64),
    /// It returns, and has put pages on a list.
    BulkList {
        /// The gfp flags.
        gfp: u32,
        /// The page frames that it has put there.
        new: Vec<u64>,
        /// Those that were there before.
        old: Vec<u64>,
    },
    /// User space begins another epoch.
    Epoch(u32),
    /// User space has learned other rules.
    Learn(Known),
    /// A site that the kernel has unwound a stack to is said to have another stack, too.
    Know {
        /// Which stack.
        stack: usize,
        /// Order and gfp flags of an allocation with this stack.
        as_if: (u32, u32),
        /// Order and gfp flags of the site.
        site: (u32, u32),
    },
}

/// What a `struct page *` points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// Nothing: the allocation failed, or an entry is empty.
    Null,
    /// The page of a page frame, be there such a frame or not.
    Frame(u64),
    /// So many pages before the first one.
    Before(u64),
}

/// An array of `struct page *`, as it is at the entry or at the exit of the bulk allocator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageArray {
    /// Which one, less than [`ARRAYS`].
    pub number: usize,
    /// The gfp flags of the call.
    pub gfp: u32,
    /// Its entries, no more than [`ENTRIES`].
    pub pages: Vec<Page>,
}

/// How many arrays there are: so many calls can be under way.
pub const ARRAYS: usize = 4;

/// How many entries an array can have.
pub const ENTRIES: usize = 1024;

impl Event {
    /// The blocks it is about: of each the first page, and the order.
    pub fn blocks(&self) -> Vec<(Page, u32)> {
        match self {
            Self::Allocation { page, order, .. } | Self::Free { page, order, .. } => {
                vec![(*page, *order)]
            }
            Self::BulkEntry(array) | Self::BulkExit(array, _) => {
                array.pages.iter().map(|&page| (page, 0)).collect()
            }
            Self::BulkList { new, old, .. } => {
                let frames = new.iter().chain(old);
                frames.map(|&frame| (Page::Frame(frame), 0)).collect()
            }
            Self::Epoch(_) | Self::Learn(_) | Self::Know { .. } => vec![],
        }
    }
}
