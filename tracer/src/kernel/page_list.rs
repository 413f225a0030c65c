//! A list of the page frames that are used for one thing.

use super::page_census::BlockVisitor;
use crate::model::{PageBlock, PageUse};

/// Keeps the blocks of one use.
#[derive(Debug)]
pub struct PageList {
    page_use: PageUse,
    most: usize,
    blocks: Vec<PageBlock>,
    left_out: u64,
}

impl PageList {
    /// Nothing kept yet, and no more than so many blocks later.
    pub const fn new(page_use: PageUse, most: usize) -> Self {
        Self {
            page_use,
            most,
            blocks: Vec::new(),
            left_out: 0,
        }
    }

    /// The blocks in ascending order, and how many more there were.
    pub fn finish(mut self) -> (Vec<PageBlock>, u64) {
        self.blocks.sort_unstable_by_key(|block| block.first);
        (self.blocks, self.left_out)
    }
}

impl BlockVisitor for PageList {
    const ALL: bool = true;

    fn block(&mut self, block: &PageBlock) {
        if block.page_use != self.page_use {
            return;
        }
        if self.blocks.len() < self.most {
            self.blocks.push(*block);
        } else {
            self.left_out += 1;
        }
    }
}

/// Keeps the block that a page frame is part of.
#[derive(Debug)]
pub struct PageBlockAt {
    frame: u64,
    found: Option<PageBlock>,
}

impl PageBlockAt {
    /// Nothing found yet.
    pub const fn new(frame: u64) -> Self {
        Self { frame, found: None }
    }

    /// The block; none of a page frame that is free.
    pub const fn finish(self) -> Option<PageBlock> {
        self.found
    }
}

impl BlockVisitor for PageBlockAt {
    const ALL: bool = true;

    fn block(&mut self, block: &PageBlock) {
        let frames = block.first..block.first + block.pages;
        if frames.contains(&self.frame) {
            self.found = Some(*block);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_one_use_are_kept_up_to_a_number() {
        let mut list = PageList::new(PageUse::Plain, 2);
        for (first, page_use) in [(9, PageUse::Plain), (1, PageUse::Slab), (4, PageUse::Plain)] {
            for first in [first, first + 100] {
                list.block(&PageBlock {
                    first,
                    pages: 1,
                    page_use,
                    owner: 0,
                    references: 1,
                    mappings: 0,
                });
            }
        }
        let (blocks, left_out) = list.finish();
        let frames: Vec<_> = blocks.iter().map(|block| block.first).collect();
        assert_eq!((frames, left_out), (vec![9, 109], 2));
    }

    #[test]
    fn the_block_around_a_page_frame_is_kept() {
        let around = |frame| {
            let mut found = PageBlockAt::new(frame);
            for first in [8, 16] {
                found.block(&PageBlock {
                    first,
                    pages: 4,
                    page_use: PageUse::Plain,
                    owner: 0,
                    references: 1,
                    mappings: 0,
                });
            }
            found.finish().map(|block| block.first)
        };
        assert_eq!(
            (around(11), around(12), around(16)),
            (Some(8), None, Some(16))
        );
    }
}
