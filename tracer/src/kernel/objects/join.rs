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
}

impl<'a> Join<'a> {
    /// With these references, in ascending order of page frames.
    pub fn new(references: &'a [Reference]) -> Self {
        Self {
            references,
            held: Held::default(),
        }
    }

    /// What was joined.
    pub fn finish(self) -> Held {
        self.held
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
        let references = self.of_block(block);
        if references.is_empty() {
            if block.page_use.is_unexplained() {
                *self.held.unheld.entry(block.page_use).or_default() += block.pages;
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
            held: held(references),
        });
    }
}

/// Each object once, with its references as the kernel counts them.
fn held(references: &[Reference]) -> Vec<(u32, u64)> {
    let mut held = FxHashMap::<u32, (u64, bool)>::default();
    for it in references {
        let (each, block) = held.entry(it.object).or_default();
        match it.weight {
            Weight::Each => *each += 1,
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
