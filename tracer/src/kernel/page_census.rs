//! Counts page frames, one after the other, by what they are used for.

use rustc_hash::FxHashMap;

use super::page_struct::{PageStruct, Seen};
use crate::model::{PageKey, PageUse};

/// Blocks of the buddy allocator are of this order at most (`MAX_PAGE_ORDER`; 10 by default).
const MAX_ORDER: u8 = 20;

/// Counts the page frames of a node in ascending order.
pub struct PageCounter<'a> {
    layout: &'a PageStruct,
    node: u32,
    /// The next page frame.
    frame: u64,
    /// How many page frames are left of a free block that was counted.
    free_left: u64,
    /// The block whose end was not seen yet.
    block: Option<Block>,
    pages: FxHashMap<PageKey, u64>,
    /// Neighbours are mostly alike: those that were not added yet.
    run: Option<(PageKey, u64)>,
}

struct Block {
    first: u64,
    page_use: PageUse,
    owner: u64,
    pages: u64,
}

impl Block {
    /// Whether the page behind it can be its own: a block lies at a multiple of its size.
    fn may_go_on(&self) -> bool {
        let is_plain = [PageUse::FreeOnCpu, PageUse::Plain, PageUse::Charged];
        is_plain.contains(&self.page_use) && self.pages >> self.first.trailing_zeros().min(63) == 0
    }
}

impl<'a> PageCounter<'a> {
    /// Nothing counted yet; `frame` comes first.
    pub fn new(layout: &'a PageStruct, node: u32, frame: u64) -> Self {
        Self {
            layout,
            node,
            frame,
            free_left: 0,
            block: None,
            pages: FxHashMap::default(),
            run: None,
        }
    }

    /// Counts the next page frame, whose `struct page` begins these bytes.
    pub fn count(&mut self, page: &[u8]) {
        if self.free_left > 0 {
            self.free_left -= 1;
        } else {
            match self.layout.look(page) {
                Seen::FreeBlock(order) => self.free_block(order.min(MAX_ORDER)),
                Seen::First(PageUse::Unreferenced, _) => self.unreferenced(),
                Seen::First(page_use, owner) => self.begin(page_use, owner),
                Seen::Tail => self.tail(),
            }
        }
        self.frame += 1;
    }

    /// Counts so many page frames that no memory belongs to.
    pub fn absent(&mut self, count: u64) {
        self.frame = self.frame.saturating_add(count);
        let absent = count.saturating_sub(self.free_left);
        self.free_left = self.free_left.saturating_sub(count);
        self.close();
        self.add(PageUse::Absent, 0, 0, absent);
    }

    /// What was counted.
    pub fn finish(mut self) -> FxHashMap<PageKey, u64> {
        self.close();
        self.flush();
        self.pages
    }

    fn free_block(&mut self, order: u8) {
        self.close();
        self.add(PageUse::Free, 0, order, 1 << order);
        self.free_left = (1 << order) - 1;
    }

    fn begin(&mut self, page_use: PageUse, owner: u64) {
        self.close();
        self.block = Some(Block {
            first: self.frame,
            page_use,
            owner,
            pages: 1,
        });
    }

    /// A page without a reference, a type or a place on a list: of a block that is no compound page
    /// only the first page has any.
    fn unreferenced(&mut self) {
        match &mut self.block {
            Some(block) if block.may_go_on() => block.pages += 1,
            _ => self.begin(PageUse::Unreferenced, 0),
        }
    }

    /// A tail whose first page was not seen belongs to a block that was made or split meanwhile.
    fn tail(&mut self) {
        match &mut self.block {
            Some(block) => block.pages += 1,
            None => self.begin(PageUse::Unreferenced, 0),
        }
    }

    fn close(&mut self) {
        if let Some(block) = self.block.take() {
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
            *self.pages.entry(key).or_default() += pages;
        }
    }
}
