//! Random events, such as an allocator could cause and a tracer could see.

use std::{collections::VecDeque, iter};

use fastrand::Rng;
use tracer_ebpf::{LAST_EPOCH, MAX_ORDER};

use super::{Event, Page};

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
            94..98 => self.stray(),
            _ => Event::Epoch(self.rng.u32(0..=LAST_EPOCH)),
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
        }
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
        self.begun.extend(pieces.into_iter().map(Block::free));
        first.free()
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

    /// An event that belongs to no slot.
    fn stray(&mut self) -> Event {
        let (page, order) = self.stray_block();
        match self.rng.bool() {
            true => self.allocation_of(page, order),
            false => Event::Free { page, order },
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
    const fn free(self) -> Event {
        Event::Free {
            page: Page::Frame(self.frame),
            order: self.order,
        }
    }

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
            if let Event::Allocation { page, order, .. } | Event::Free { page, order } = event
                && let Page::Frame(frame) = page
                && is_known(page)
                && order <= MAX_ORDER
            {
                assert_eq!(frame % (1 << order), 0, "{event:?}");
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
        for of_stray in [
            |page| page == Page::Null,
            |page| matches!(page, Page::Before(_)),
            |page| matches!(page, Page::Frame(_)) && !is_known(page),
        ] {
            assert!(some(&|event| event.page().is_some_and(of_stray)));
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
