//! Joins references with page frames: who holds what, and whether all references were found.

use rustc_hash::FxHashMap;

use crate::{
    kernel::page_census::BlockVisitor,
    model::{Held, HeldBlock, PageBlock, PageUse, Reference, Weight},
};

/// Takes the blocks of a zone in ascending order, as references are.
#[derive(Debug)]
pub struct Join<'a> {
    references: &'a [Reference],
    held: Held,
    unheld: Vec<PageBlock>,
    /// How many blocks are kept that nothing refers to.
    kept: usize,
}

impl<'a> Join<'a> {
    /// With these references, in ascending order of page frames.
    pub fn new(references: &'a [Reference]) -> Self {
        Self {
            references,
            held: Held::default(),
            unheld: Vec::new(),
            kept: 0,
        }
    }

    /// The same, which keeps the first so many blocks that nothing refers to.
    pub const fn keeping(mut self, blocks: usize) -> Self {
        self.kept = blocks;
        self
    }

    /// What was joined, and the blocks that were kept, in ascending order.
    pub fn finish(self) -> (Held, Vec<PageBlock>) {
        let mut unheld = self.unheld;
        unheld.sort_unstable_by_key(|block| block.first);
        (self.held, unheld)
    }

    /// The references to a block.
    fn of_block(&self, block: &PageBlock) -> &'a [Reference] {
        let start = self.references.partition_point(|it| it.frame < block.first);
        let rest = &self.references[start..];
        &rest[..rest.partition_point(|it| it.frame < block.first + block.pages)]
    }
}

impl BlockVisitor for Join<'_> {
    fn block(&mut self, block: &PageBlock) {
        if !block.page_use.has_holders() {
            return;
        }
        let references = self.of_block(block);
        if references.is_empty() {
            if block.page_use.is_unexplained() {
                *self.held.unheld.entry(block.page_use).or_default() += block.pages;
                self.unheld
                    .extend((self.unheld.len() < self.kept).then_some(*block));
            }
            return;
        }
        let counted = match block.page_use {
            // The pool counts its fragments, and has a reference of its own.
            PageUse::PagePool => None,
            // Whoever asked for it has the only one, which the kernel does not count (Linux 6.11).
            PageUse::LargeKmalloc => Some(1),
            _ => Some(block.references.into()),
        };
        self.held.blocks.push(HeldBlock {
            pages: block.pages,
            page_use: block.page_use,
            owner: block.owner,
            counted,
            mapped: block.mappings,
            held: held(references, block.pages),
        });
    }
}

/// Each object once, with its references as the kernel counts them.
fn held(references: &[Reference], pages: u64) -> Vec<(u32, u64)> {
    let pin = if pages == 1 { 1024 } else { 1 };
    let mut held = FxHashMap::<u32, (u64, bool)>::default();
    for it in references {
        let (each, block) = held.entry(it.object).or_default();
        match it.weight {
            Weight::Each => *each += 1,
            Weight::Pin => *each += pin,
            Weight::Block => *block = true,
            Weight::Shared => {}
        }
    }
    let held = held.into_iter();
    let mut held: Vec<_> = held
        .map(|(object, (each, block))| (object, each + u64::from(block)))
        .collect();
    held.sort_unstable();
    held
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn reference(frame: u64, object: u32, weight: Weight) -> Reference {
        Reference {
            frame,
            object,
            weight,
        }
    }

    const fn block(first: u64, pages: u64, page_use: PageUse, references: u32) -> PageBlock {
        PageBlock {
            first,
            pages,
            page_use,
            owner: 0,
            references,
            mappings: 0,
        }
    }

    fn joined(references: &[Reference], blocks: &[PageBlock]) -> Held {
        let mut join = Join::new(references);
        for each in blocks {
            join.block(each);
        }
        join.finish().0
    }

    #[test]
    fn references_within_a_block_are_its_own() {
        let references = [
            reference(8, 0, Weight::Each),
            reference(9, 0, Weight::Each),
            reference(9, 1, Weight::Shared),
            reference(11, 2, Weight::Block),
            reference(12, 2, Weight::Block),
        ];
        let blocks = [
            block(4, 4, PageUse::Plain, 1),
            block(8, 4, PageUse::Plain, 3),
            block(12, 1, PageUse::Charged, 2),
        ];
        let held = joined(&references, &blocks);
        assert_eq!(held.unheld.get(&PageUse::Plain), Some(&4));
        let [first, second] = &held.blocks[..] else {
            panic!("{held:?}");
        };
        assert_eq!(first.held, [(0, 2), (1, 0), (2, 1)]);
        assert!(first.is_complete());
        assert_eq!((second.found(), second.is_complete()), (1, false));
    }

    #[test]
    fn a_block_that_is_named_twice_counts_once() {
        let references = [8, 9].map(|frame| reference(frame, 0, Weight::Block));
        let held = joined(&references, &[block(8, 2, PageUse::Plain, 1)]);
        assert!(held.blocks[0].is_complete());
    }

    #[test]
    fn a_large_kmalloc_has_one_owner_and_is_no_unheld_page() {
        let references = [reference(8, 0, Weight::Each)];
        let blocks = [8, 16].map(|first| block(first, 4, PageUse::LargeKmalloc, 0));
        let held = joined(&references, &blocks);
        assert!(held.blocks[0].is_complete());
        assert!(held.unheld.is_empty());
    }

    #[test]
    fn nothing_is_promised_of_a_page_pool() {
        let references = [reference(8, 0, Weight::Each)];
        let held = joined(&references, &[block(8, 1, PageUse::PagePool, 1)]);
        assert!(!held.blocks[0].is_complete());
    }
}
