//! Counts page frames, one after the other, by what they are used for.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::page_struct::{PageStruct, Seen};
use crate::model::{PageBlock, PageKey, PageUse};

/// Blocks of the buddy allocator are of this order at most (`MAX_PAGE_ORDER`; 10 by default).
const MAX_ORDER: u8 = 20;

/// Page frames of vmalloc, each with the address in the function that asked for it.
pub type VmallocFrames = FxHashMap<u64, u64>;

/// What was counted.
#[derive(Debug, Default)]
pub struct PageCounts {
    /// How many page frames there are of each kind.
    pub pages: FxHashMap<PageKey, u64>,
    /// The page frames of each slab, with the address of its cache.
    pub slabs: Vec<(u64, Range<u64>)>,
    /// What was taken for the rest of blocks that are no compound pages.
    pub rests: Rests,
}

/// Page frames without a reference that were taken for the rest of the block before them, in ascending
/// order.
///
/// One that is being taken or given back looks the same for a moment, between the allocator's lists and
/// its owner: what two looks saw is a rest.
#[derive(Clone, Debug, Default)]
pub struct Rests(Vec<Range<u64>>);

impl Rests {
    fn push(&mut self, frame: u64) {
        match self.0.last_mut() {
            Some(last) if last.end == frame => last.end += 1,
            _ => self.0.push(frame..frame + 1),
        }
    }

    /// Adds those of another zone.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
        self.0.sort_unstable_by_key(|frames| frames.start);
    }

    fn contain(&self, frame: u64) -> bool {
        let after = self.0.partition_point(|frames| frames.start <= frame);
        let before = self.0[..after].last();
        before.is_some_and(|frames| frames.contains(&frame))
    }
}

/// Is shown all blocks in ascending order, but for those that are free.
pub trait BlockVisitor {
    /// Whether it is told of references and mappings of all blocks, and not only of those that something
    /// may be known to hold.
    const ALL: bool = false;

    /// One block.
    fn block(&mut self, block: &PageBlock);
}

/// Looks at none.
impl BlockVisitor for () {
    fn block(&mut self, _block: &PageBlock) {}
}

/// Counts the page frames of a node in ascending order.
pub struct PageCounter<'a, V> {
    layout: &'a PageStruct,
    vmalloc: &'a VmallocFrames,
    /// What another look took for the rests of blocks; none if this is the first.
    rests: Option<&'a Rests>,
    node: u32,
    /// The next page frame.
    frame: u64,
    /// How many page frames are left of a free block that was counted.
    free_left: u64,
    /// The block whose end was not seen yet.
    block: Option<PageBlock>,
    /// Whether that is a compound page, which ends with its last tail.
    is_compound: bool,
    visitor: &'a mut V,
    counts: PageCounts,
    /// Neighbours are mostly alike: those that were not added yet.
    run: Option<(PageKey, u64)>,
}

/// Whether the page frame behind a block can be its own: a block lies at a multiple of its size.
fn may_go_on(block: &PageBlock) -> bool {
    let is_plain = [PageUse::FreeOnCpu, PageUse::Plain, PageUse::Charged];
    is_plain.contains(&block.page_use) && block.pages >> block.first.trailing_zeros().min(63) == 0
}

impl<'a, V: BlockVisitor> PageCounter<'a, V> {
    /// Nothing counted yet; `frame` comes first.
    pub fn new(
        layout: &'a PageStruct,
        vmalloc: &'a VmallocFrames,
        node: u32,
        frame: u64,
        visitor: &'a mut V,
    ) -> Self {
        Self {
            layout,
            vmalloc,
            rests: None,
            node,
            frame,
            free_left: 0,
            block: None,
            is_compound: false,
            visitor,
            counts: PageCounts::default(),
            run: None,
        }
    }

    /// The same, which takes nothing for the rest of a block that another look did not.
    pub const fn confirming(mut self, rests: Option<&'a Rests>) -> Self {
        self.rests = rests;
        self
    }

    /// Counts the next page frame, whose `struct page` begins these bytes.
    pub fn count(&mut self, page: &[u8]) {
        if self.free_left > 0 {
            self.free_left -= 1;
        } else {
            match self.layout.look(page) {
                Seen::FreeBlock(order) => self.free_block(order.min(MAX_ORDER)),
                Seen::First(page_use, owner) => self.first(page_use, owner, page),
                Seen::Tail => self.tail(page),
            }
        }
        self.frame += 1;
    }

    /// Counts the next page frame, which no memory belongs to.
    pub fn absent(&mut self) {
        if self.free_left > 0 {
            self.free_left -= 1;
        } else {
            self.begin(PageUse::Absent, 0, &[]);
        }
        self.frame += 1;
    }

    /// Passes over the rest of a free block that was counted, but at most so many page frames; gives how
    /// many these were.
    pub fn skip_free(&mut self, most: u64) -> u64 {
        let skipped = self.free_left.min(most);
        self.free_left -= skipped;
        self.frame += skipped;
        skipped
    }

    /// What was counted.
    pub fn finish(mut self) -> PageCounts {
        self.close();
        self.flush();
        self.counts
    }

    fn free_block(&mut self, order: u8) {
        self.close();
        self.add(PageUse::Free, 0, order, 1 << order);
        self.free_left = (1 << order) - 1;
    }

    fn first(&mut self, page_use: PageUse, owner: u64, page: &[u8]) {
        // Only these can be of vmalloc: all others have marks of their own.
        let caller = match page_use {
            PageUse::Plain | PageUse::Charged | PageUse::Unreferenced => {
                self.vmalloc.get(&self.frame)
            }
            _ => None,
        };
        match (caller, page_use) {
            (Some(&caller), _) => self.begin(PageUse::Vmalloc, caller, page),
            (None, PageUse::Unreferenced) => self.unreferenced(page),
            (None, _) => self.begin(page_use, owner, page),
        }
    }

    fn begin(&mut self, page_use: PageUse, owner: u64, page: &[u8]) {
        self.close();
        let (references, mappings) = if V::ALL || page_use.has_holders() {
            (self.layout.references(page), self.layout.mappings(page))
        } else {
            (0, 0)
        };
        self.is_compound = false;
        self.block = Some(PageBlock {
            first: self.frame,
            page_use,
            owner,
            pages: 1,
            references,
            mappings,
        });
    }

    /// A page without a reference, a type or a place on a list: of a block that is no compound page
    /// only the first page has any.
    fn unreferenced(&mut self, page: &[u8]) {
        let is_rest = !self.is_compound && self.rests.is_none_or(|it| it.contain(self.frame));
        match &mut self.block {
            Some(block) if is_rest && may_go_on(block) => {
                block.pages += 1;
                self.counts.rests.push(self.frame);
            }
            _ => self.begin(PageUse::Unreferenced, 0, page),
        }
    }

    /// A tail whose first page was not seen belongs to a block that was made or split meanwhile.
    fn tail(&mut self, page: &[u8]) {
        match &mut self.block {
            Some(block) => {
                self.is_compound = true;
                block.pages += 1;
                if block.page_use.has_holders() {
                    block.mappings += self.layout.mappings(page);
                }
            }
            None => self.begin(PageUse::Unreferenced, 0, page),
        }
    }

    fn close(&mut self) {
        if let Some(block) = self.block.take() {
            if block.page_use == PageUse::Slab {
                let frames = block.first..block.first + block.pages;
                self.counts.slabs.push((block.owner, frames));
            }
            self.visitor.block(&block);
            let order = block.pages.ilog2() as u8;
            self.add(block.page_use, block.owner, order, block.pages);
        }
    }

    fn add(&mut self, page_use: PageUse, owner: u64, order: u8, pages: u64) {
        let node = self.node;
        let key = PageKey {
            page_use,
            owner,
            order,
            node,
        };
        match &mut self.run {
            Some((last, count)) if *last == key => *count += pages,
            _ => {
                self.flush();
                self.run = Some((key, pages));
            }
        }
    }

    fn flush(&mut self) {
        if let Some((key, pages)) = self.run.take() {
            *self.counts.pages.entry(key).or_default() += pages;
        }
    }
}

#[cfg(test)]
#[path = "page_census_tests.rs"]
mod tests;
