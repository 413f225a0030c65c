//! Random events, such as an allocator could cause and a tracer could see.

use std::{collections::VecDeque, iter};

use fastrand::Rng;
use tracer_ebpf::{BULK_PAGES, LAST_EPOCH, LEVELS, MAX_ORDER};

use super::{ARRAYS, ENTRIES, Event, Known, Page, PageArray, stacks::STACKS};

/// So many kinds of gfp flags.
const GFP_KINDS: u32 = 9;
/// `MIGRATE_UNMOVABLE` to `MIGRATE_ISOLATE`.
const MIGRATETYPES: u32 = 6;
/// No page frame has a number as high as this.
const NO_FRAME: u64 = 1 << 36;

/// An endless sequence of events that follows from its seed.
pub struct Random {
    rng: Rng,
    frames: u64,
    held: Vec<Block>,
    /// What is left of a free in pieces; other things happen between them.
    begun: VecDeque<Event>,
    /// The calls of the bulk allocator that are under way, by the array they were given.
    calls: [Option<PageArray>; ARRAYS],
}

#[derive(Clone, Copy)]
struct Block {
    frame: u64,
    order: u32,
}

impl Random {
    /// Events of a machine with so many page frames, and a few of unknown ones.
    pub fn new(seed: u64, frames: u64) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            frames,
            held: Vec::new(),
            begun: VecDeque::new(),
            calls: [const { None }; ARRAYS],
        }
    }

    fn anything(&mut self) -> Event {
        match self.rng.u32(0..100) {
            0..46 => self.allocation(),
            46..90 => match self.let_go() {
                Some(block) => self.free(block),
                None => self.allocation(),
            },
            // Gone without an event: whoever gets these pages next heals them.
            90..94 => {
                self.let_go();
                self.allocation()
            }
            94..97 => self.stray(),
            97 => self.bulk(),
            98 => Event::Epoch(self.rng.u32(0..=LAST_EPOCH)),
            _ if self.rng.u32(0..8) == 0 => Event::Learn(Known::random(&mut self.rng)),
            _ => self.know(),
        }
    }

    fn allocation(&mut self) -> Event {
        let block = self.block();
        self.held.push(block);
        self.allocation_of(Page::Frame(block.frame), block.order)
    }

    fn allocation_of(&mut self, page: Page, order: u32) -> Event {
        Event::Allocation {
            page,
            order,
            gfp: self.rng.u32(0..GFP_KINDS),
            migratetype: self.rng.u32(0..MIGRATETYPES),
            stack: self.rng.usize(0..STACKS),
            depth: self.depth(),
        }
    }

    /// Says that a stack belongs to a site: mostly to the one that it has, as the kernel sees it.
    fn know(&mut self) -> Event {
        let site = (self.block().order, self.rng.u32(0..GFP_KINDS));
        let other = (self.block().order, self.rng.u32(0..GFP_KINDS));
        Event::Know {
            stack: self.rng.usize(0..STACKS),
            as_if: if self.rng.u32(0..4) > 0 { site } else { other },
            site,
        }
    }

    /// Now and then an interrupt in the middle of others.
    fn depth(&mut self) -> u64 {
        if self.rng.u32(0..20) > 0 {
            return 0;
        }
        self.rng.u64(1..LEVELS as u64)
    }

    /// A block aligned to its size, small ones more often than large ones. It
    /// may lie on others, whose frees were lost then.
    fn block(&mut self) -> Block {
        let order = self.rng.u32(0..=MAX_ORDER).min(self.rng.u32(0..=MAX_ORDER));
        let frame = self.rng.u64(0..self.frames) >> order << order;
        Block { frame, order }
    }

    fn let_go(&mut self) -> Option<Block> {
        let last = self.held.len().checked_sub(1)?;
        Some(self.held.swap_remove(self.rng.usize(0..=last)))
    }

    /// Begins to free a block.
    fn free(&mut self, block: Block) -> Event {
        let mut pieces = VecDeque::from(self.pieces(block));
        let first = pieces.pop_front().unwrap_or(block);
        let frees: Vec<_> = pieces.into_iter().map(|it| self.free_of(it)).collect();
        self.begun.extend(frees);
        self.free_of(first)
    }

    fn free_of(&mut self, block: Block) -> Event {
        Event::Free {
            page: Page::Frame(block.frame),
            order: block.order,
            depth: self.depth(),
        }
    }

    /// What a block is freed in: one of the ways there are.
    fn pieces(&mut self, block: Block) -> Vec<Block> {
        match self.rng.u32(0..100) {
            0..50 => vec![block],
            50..70 => self.split(block),
            70..80 => descending(block),
            // Twice, which finds nothing the second time.
            80..90 => vec![block; 2],
            // The last pieces' frees are lost.
            _ => {
                let mut pieces = self.split(block);
                pieces.truncate(pieces.len().div_ceil(2));
                pieces
            }
        }
    }

    /// Pieces of random sizes, in a random order.
    fn split(&mut self, block: Block) -> Vec<Block> {
        let (mut whole, mut pieces) = (vec![block], Vec::new());
        while let Some(block) = whole.pop() {
            match block.halves() {
                Some(halves) if self.rng.bool() => whole.extend(halves),
                _ => pieces.push(block),
            }
        }
        self.rng.shuffle(&mut pieces);
        pieces
    }

    /// A call of the bulk allocator begins or ends. Of some only one of the two is seen.
    fn bulk(&mut self) -> Event {
        let number = self.rng.usize(0..ARRAYS);
        let is_seen = self.rng.u32(0..8) > 0;
        match self.calls[number].take() {
            Some(array) if is_seen => self.bulk_exit(array),
            None if !is_seen => {
                let array = self.array(number);
                self.bulk_exit(array)
            }
            None if self.rng.u32(0..4) == 0 => self.bulk_list(),
            _ => {
                let array = self.array(number);
                self.calls[number] = Some(array.clone());
                Event::BulkEntry(array)
            }
        }
    }

    /// An array that is empty, full or something between.
    fn array(&mut self, number: usize) -> PageArray {
        let len = self.rng.usize(1..=ENTRIES).min(self.rng.usize(1..=ENTRIES));
        let full = self.rng.u32(0..=4);
        let page = |random: &mut Self| match random.rng.u32(0..4) < full {
            true => random.bulk_page(),
            false => Page::Null,
        };
        PageArray {
            number,
            gfp: self.rng.u32(0..GFP_KINDS),
            pages: (0..len).map(|_| page(self)).collect(),
        }
    }

    /// A page of the bulk allocator, hardly ever an unknown one.
    fn bulk_page(&mut self) -> Page {
        match self.rng.u32(0..100) {
            0 => self.stray_block().0,
            _ => Page::Frame(self.rng.u64(0..self.frames)),
        }
    }

    /// Fills empty entries, from the first on; there may not be a page for each.
    fn bulk_exit(&mut self, mut array: PageArray) -> Event {
        let len = array.pages.len();
        let mut pages = self.rng.usize(0..=2 * len);
        let mut filled = 0;
        for entry in &mut array.pages {
            if *entry == Page::Null {
                if pages == 0 {
                    break;
                }
                pages -= 1;
                *entry = self.bulk_page();
                self.hold(*entry);
            }
            filled += 1;
        }
        Event::BulkExit(array, filled)
    }

    fn bulk_list(&mut self) -> Event {
        let mut frames: Vec<_> = (0..self.rng.u64(1..2 * BULK_PAGES))
            .map(|_| self.rng.u64(0..self.frames))
            .collect();
        // A page is on a list once.
        frames.sort_unstable();
        frames.dedup();
        self.rng.shuffle(&mut frames);
        let old = frames.split_off(self.rng.usize(0..=frames.len()));
        frames
            .iter()
            .for_each(|&frame| self.hold(Page::Frame(frame)));
        Event::BulkList {
            gfp: self.rng.u32(0..GFP_KINDS),
            new: frames,
            old,
        }
    }

    fn hold(&mut self, page: Page) {
        if let Page::Frame(frame) = page {
            self.held.push(Block { frame, order: 0 });
        }
    }

    /// An event that belongs to no slot.
    fn stray(&mut self) -> Event {
        let (page, order) = self.stray_block();
        match self.rng.bool() {
            true => self.allocation_of(page, order),
            false => Event::Free {
                page,
                order,
                depth: self.depth(),
            },
        }
    }

    /// No page, an unknown one, or an order that no block has.
    fn stray_block(&mut self) -> (Page, u32) {
        let Block { frame, order } = self.block();
        let near = self.frames + 2048;
        let beyond = if self.rng.bool() { near } else { NO_FRAME };
        match self.rng.u32(0..4) {
            0 => (Page::Null, order),
            1 => (Page::Frame(self.rng.u64(self.frames..beyond)), order),
            2 => (Page::Before(self.rng.u64(1..beyond)), order),
            _ => (Page::Frame(frame), self.rng.u32(MAX_ORDER + 1..)),
        }
    }
}

impl Iterator for Random {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        if self.rng.u32(0..4) > 0
            && let Some(event) = self.begun.pop_front()
        {
            return Some(event);
        }
        Some(self.anything())
    }
}

impl Block {
    fn halves(self) -> Option<[Self; 2]> {
        let order = self.order.checked_sub(1)?;
        let half = |frame| Self { frame, order };
        Some([half(self.frame), half(self.frame + (1 << order))])
    }
}

/// What `__free_pages` does with a block somebody else still refers to: its upper
/// half, the upper half of the rest and so on, and in the end its first page.
fn descending(block: Block) -> Vec<Block> {
    let mut rest = block;
    let upper = iter::from_fn(|| {
        let [lower, upper] = rest.halves()?;
        rest = lower;
        Some(upper)
    });
    let mut pieces: Vec<_> = upper.collect();
    pieces.push(rest);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAMES: u64 = 10_000;

    fn events(seed: u64) -> Vec<Event> {
        Random::new(seed, FRAMES).take(20_000).collect()
    }

    fn is_known(page: Page) -> bool {
        matches!(page, Page::Frame(frame) if frame < FRAMES)
    }

    #[test]
    fn the_same_seed_is_the_same_run() {
        assert_eq!(events(1), events(1));
        assert_ne!(events(1), events(2));
    }

    #[test]
    fn known_blocks_are_aligned_to_their_size() {
        for event in events(3) {
            for (page, order) in event.blocks() {
                if let Page::Frame(frame) = page
                    && is_known(page)
                    && order <= MAX_ORDER
                {
                    assert_eq!(frame % (1 << order), 0, "{event:?}");
                }
            }
        }
    }

    #[test]
    fn everything_happens() {
        let events = events(4);
        let some = |what: &dyn Fn(&Event) -> bool| events.iter().any(what);
        for searched in 0..=MAX_ORDER {
            assert!(some(&|event| {
                matches!(event, Event::Allocation { order, .. } if *order == searched)
            }));
            assert!(some(&|event| {
                matches!(event, Event::Free { order, .. } if *order == searched)
            }));
        }
        assert!(some(&|event| matches!(event, Event::Epoch(_))));
        assert!(some(&|event| matches!(event, Event::BulkList { .. })));
        assert!(some(&|event| matches!(event, Event::BulkEntry(_))));
        assert!(some(&|event| matches!(event, Event::BulkExit(..))));
        for of_stray in [
            |page| page == Page::Null,
            |page| matches!(page, Page::Before(_)),
            |page| matches!(page, Page::Frame(_)) && !is_known(page),
        ] {
            let mut pages = events.iter().flat_map(Event::blocks).map(|(page, _)| page);
            assert!(pages.any(of_stray));
        }
    }

    #[test]
    fn a_descending_free_is_of_every_page_once() {
        let pieces = descending(Block { frame: 8, order: 3 });
        let pieces: Vec<_> = pieces.iter().map(|it| (it.frame, it.order)).collect();
        assert_eq!(pieces, [(12, 2), (10, 1), (9, 0), (8, 0)]);
    }

    #[test]
    fn a_split_is_of_every_page_once() {
        let mut random = Random::new(5, FRAMES);
        for _ in 0..100 {
            let pieces = random.split(Block {
                frame: 32,
                order: 5,
            });
            let mut pages: Vec<_> = pieces
                .iter()
                .flat_map(|it| it.frame..it.frame + (1 << it.order))
                .collect();
            pages.sort_unstable();
            assert!(pages.into_iter().eq(32..64));
        }
    }
}
