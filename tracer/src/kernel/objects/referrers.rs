//! Which slab caches and vmalloc areas point to page frames that nothing was found to hold.
//!
//! Every word of their memory is compared. A freed object still has its words, so that a few page frames
//! mean nothing; what has pointers to most of them is what keeps them (the rings of a driver, say).

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Places, Slabs};
use crate::{
    kernel::{bytes::word, page_census::VmallocFrames, read_memory::ReadMemory},
    model::PageBlock,
};

/// Page frames that are pointed to, by the cache or the caller of vmalloc whose memory does so.
#[derive(Debug, Default)]
pub struct Referrers {
    /// Page frames by the address of the cache.
    pub caches: FxHashMap<u64, u64>,
    /// Page frames by the address in the function that asked vmalloc.
    pub callers: FxHashMap<u64, u64>,
    /// Bytes that were compared.
    pub compared_bytes: u64,
}

/// Page frames that are looked for.
struct Wanted<'a> {
    places: Places,
    blocks: &'a [PageBlock],
    /// A bit for each page frame of a block.
    frames: Vec<u64>,
}

impl<'a> Wanted<'a> {
    fn new(places: Places, blocks: &'a [PageBlock]) -> Self {
        let mut frames = vec![0; (places.end / 64 + 1) as usize];
        for frame in blocks.iter().flat_map(|it| it.first..it.first + it.pages) {
            if let Some(bits) = frames.get_mut((frame / 64) as usize) {
                *bits |= 1 << (frame % 64);
            }
        }
        Self {
            places,
            blocks,
            frames,
        }
    }

    /// The place of the block that a word points to, to its page structs or its memory.
    fn block(&self, word: u64) -> Option<u32> {
        if word >> 56 != 0xff {
            return None;
        }
        let of_memory = || self.places.of_address(word);
        let frame = self.places.of_page(word).or_else(of_memory)?;
        let bits = self.frames.get((frame / 64) as usize)?;
        if bits >> (frame % 64) & 1 == 0 {
            return None;
        }
        let after = self.blocks.partition_point(|block| block.first <= frame);
        u32::try_from(after.checked_sub(1)?).ok()
    }

    /// Adds the blocks that these bytes point to.
    fn add(&self, bytes: &[u8], found: &mut FxHashSet<u32>) {
        let words = bytes.chunks_exact(8).filter_map(|it| word(it, 0));
        found.extend(words.filter_map(|word| self.block(word)));
    }

    fn pages(&self, blocks: &FxHashSet<u32>) -> u64 {
        let blocks = blocks.iter().filter_map(|it| self.blocks.get(*it as usize));
        blocks.map(|block| block.pages).sum()
    }
}

/// What points to these blocks, in ascending order.
pub fn referrers<M: ReadMemory>(
    memory: &mut M,
    places: Places,
    slabs: &Slabs,
    vmalloc: &VmallocFrames,
    blocks: &[PageBlock],
) -> Referrers {
    let wanted = Wanted::new(places, blocks);
    let mut found = Referrers::default();
    for &cache in slabs.caches() {
        let mut blocks = FxHashSet::default();
        for slab in slabs.of_cache(cache) {
            let len = (slab.end - slab.start) * places.page_size;
            if let Some(bytes) = memory.read(places.address(slab.start), len as usize) {
                found.compared_bytes += len;
                wanted.add(bytes, &mut blocks);
            }
        }
        found.caches.insert(cache, wanted.pages(&blocks));
    }
    let mut callers = FxHashMap::<u64, FxHashSet<u32>>::default();
    for (frame, caller) in vmalloc {
        if let Some(bytes) = memory.read(places.address(*frame), places.page_size as usize) {
            found.compared_bytes += places.page_size;
            wanted.add(bytes, callers.entry(*caller).or_default());
        }
    }
    let callers = callers.into_iter();
    found.callers = callers
        .map(|(caller, blocks)| (caller, wanted.pages(&blocks)))
        .collect();
    found.caches.retain(|_, pages| *pages > 0);
    found.callers.retain(|_, pages| *pages > 0);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernel::objects::sample::{Memory, PLACES, page},
        model::PageUse,
    };

    #[test]
    fn a_cache_is_named_by_the_page_frames_that_it_points_to() {
        let block = |first, pages| PageBlock {
            first,
            pages,
            page_use: PageUse::Plain,
            owner: 0,
            references: 1,
            mappings: 0,
        };
        let blocks = [block(100, 4), block(200, 1), block(300, 1)];
        let slabs = Slabs::new(vec![(7, 10..11), (8, 11..12), (9, 12..13)]);
        let mut memory = Memory::default();
        let words = |some: &[u64]| {
            let mut words = some.to_vec();
            words.resize(512, 0);
            words
        };
        // Twice the same block, once by a page struct and once by an address within; and another.
        let rings = words(&[page(100), PLACES.address(102) + 8, page(200)]);
        memory.put(PLACES.address(10), &rings);
        memory.put(PLACES.address(11), &words(&[page(101), 100, page(400)]));
        memory.put(PLACES.address(12), &words(&[page(500)]));
        memory.put(PLACES.address(50), &words(&[page(300)]));
        let vmalloc = VmallocFrames::from_iter([(50, 77)]);
        let found = referrers(&mut memory, PLACES, &slabs, &vmalloc, &blocks);
        assert_eq!(found.caches, FxHashMap::from_iter([(7, 5), (8, 4)]));
        assert_eq!(found.callers, FxHashMap::from_iter([(77, 1)]));
        assert_eq!(found.compared_bytes, 4 * PLACES.page_size);
    }
}
