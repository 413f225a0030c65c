//! Which page frames are of which slab cache.

use std::{collections::HashSet, ops::Range};

/// The slabs of a machine at one moment.
#[derive(Clone, Debug, Default)]
pub struct Slabs {
    /// The page frames of each, with the address of its cache, in ascending order.
    slabs: Vec<(u64, Range<u64>)>,
    /// The addresses of all caches, each once.
    caches: Vec<u64>,
}

impl Slabs {
    /// Those that a census has found.
    pub fn new(mut slabs: Vec<(u64, Range<u64>)>) -> Self {
        slabs.sort_unstable_by_key(|(_, frames)| frames.start);
        let mut caches: Vec<_> = slabs.iter().map(|(cache, _)| *cache).collect();
        caches.sort_unstable();
        caches.dedup();
        Self { slabs, caches }
    }

    /// The addresses of all caches, each once.
    pub fn caches(&self) -> &[u64] {
        &self.caches
    }

    /// The cache and all page frames of the slab that a page frame is part of.
    pub fn around(&self, frame: u64) -> Option<(u64, Range<u64>)> {
        let after = self
            .slabs
            .partition_point(|(_, frames)| frames.start <= frame);
        let slab = self.slabs[..after].last()?;
        slab.1.contains(&frame).then(|| slab.clone())
    }

    /// Where the direct map begins: caches lie in slabs themselves, so that for each of them some slab's
    /// page frame leads to the same beginning, which is a multiple of 1 GiB (KASLR;
    /// arch/x86/mm/kaslr.c), or on arm64 of 512 MiB (`ARM64_MEMSTART_ALIGN`). None where the kernel's memory is not laid out like that.
    pub fn direct_map(&self, page_size: u64) -> Option<u64> {
        let mut caches = self
            .caches
            .iter()
            .copied()
            .filter(|&cache| cache > page_size);
        let mut common = self.beginnings(caches.next()?, page_size);
        for cache in caches {
            if common.len() < 2 {
                break;
            }
            let others = self.beginnings(cache, page_size);
            common.retain(|base| others.contains(base));
        }
        (common.len() == 1).then(|| common.into_iter().next())?
    }

    /// Where the direct map may begin, if a cache lies in one of these slabs.
    fn beginnings(&self, cache: u64, page_size: u64) -> HashSet<u64> {
        const ALIGNMENT: u64 = if cfg!(target_arch = "aarch64") {
            1 << 29
        } else {
            1 << 30
        };
        let page = cache - cache % page_size;
        // Of each slab, the page frame that is as far behind a multiple.
        let fits = |frames: &Range<u64>| {
            let left = (page / page_size).wrapping_sub(frames.start) % (ALIGNMENT / page_size);
            let frame = frames.start + left;
            frames.contains(&frame).then_some(frame)
        };
        let frames = self.slabs.iter().filter_map(|(_, frames)| fits(frames));
        let bases = frames.filter_map(|frame| page.checked_sub(frame * page_size));
        bases.collect()
    }

    /// The page frames of a cache's slabs.
    pub fn of_cache(&self, cache: u64) -> impl Iterator<Item = &Range<u64>> {
        let slabs = self.slabs.iter().filter(move |(of, _)| *of == cache);
        slabs.map(|(_, frames)| frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: u64 = 4096;

    #[test]
    fn the_direct_map_begins_where_all_caches_lie_in_slabs() {
        const BASE: u64 = 0xffff_9a40_0000_0000;
        let at = |frame: u64, offset: u64| BASE + frame * PAGE + offset;
        let caches = [at(21, 0x100), at((1 << 18) + 7, 0x200), at(40, 0)];
        let slabs = vec![
            (caches[0], 16..24),
            (caches[1], 40..41),
            (caches[2], (1 << 18) + 4..(1 << 18) + 8),
            (caches[0], (1 << 18) + 16..(1 << 18) + 24),
        ];
        assert_eq!(Slabs::new(slabs).direct_map(PAGE), Some(BASE));
        assert_eq!(Slabs::default().direct_map(PAGE), None);
    }

    #[test]
    fn a_page_frame_is_of_the_slab_around_it() {
        let slabs = Slabs::new(vec![(7, 16..24), (8, 4..5), (7, 32..40)]);
        assert_eq!(slabs.around(23), Some((7, 16..24)));
        assert_eq!(slabs.around(4), Some((8, 4..5)));
        for frame in [0, 5, 24, 40] {
            assert_eq!(slabs.around(frame), None);
        }
        assert_eq!(slabs.caches(), [7, 8]);
        assert_eq!(slabs.of_cache(7).count(), 2);
    }
}
