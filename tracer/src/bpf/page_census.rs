//! Every page frame of the machine, by its `struct page`.

use anyhow::Result;

use super::{Copied, CopyMemory, KernelMemory, PageArray};
use crate::kernel::{
    page_census::{BlockVisitor, PageCounter, PageCounts, Rests, VmallocFrames},
    page_struct::PageStruct,
    zoneinfo::Zone,
};

/// What it takes to look at every page frame.
pub struct PageCensus<'a> {
    /// Where the page structs are.
    pub array: PageArray,
    /// What one looks like.
    pub layout: &'a PageStruct,
    /// Which page frames there are.
    pub zones: &'a [Zone],
    /// What an earlier look took for the rests of blocks, if there was one.
    pub rests: Option<&'a Rests>,
}

impl PageCensus<'_> {
    /// How many page frames there are of each kind, if these are of vmalloc; the blocks of each zone are
    /// shown in ascending order.
    pub fn count(
        &self,
        memory: &mut impl CopyMemory,
        vmalloc: &VmallocFrames,
        visitor: &mut impl BlockVisitor,
    ) -> Result<PageCounts> {
        let mut counts = PageCounts::default();
        for zone in self.zones {
            let zone = self.count_zone(memory, vmalloc, zone, visitor)?;
            for (key, pages) in zone.pages {
                *counts.pages.entry(key).or_default() += pages;
            }
            counts.slabs.extend(zone.slabs);
            counts.rests.extend(zone.rests);
        }
        Ok(counts)
    }

    fn count_zone(
        &self,
        memory: &mut impl CopyMemory,
        vmalloc: &VmallocFrames,
        zone: &Zone,
        visitor: &mut impl BlockVisitor,
    ) -> Result<PageCounts> {
        let size = self.layout.size as u64;
        let (mut next, end) = (zone.frames.start, zone.frames.end);
        let counter = PageCounter::new(self.layout, vmalloc, zone.node, next, visitor);
        let mut counter = counter.confirming(self.rests);
        let mut window = LEAST;
        while next < end {
            let frames = (end - next).min(window);
            let copied = memory.window(self.page_struct(next), frames * size)?;
            count_window(&mut counter, copied, self.layout.size, frames as usize);
            next += frames;
            // Most of an idle machine are large free blocks, of which one page struct tells.
            let skipped = counter.skip_free(end - next);
            next += skipped;
            window = match skipped {
                0 => (window * 2).min(KernelMemory::WINDOW / size),
                _ => LEAST,
            };
        }
        Ok(counter.finish())
    }

    /// Where the page struct of a page frame lies. Wraps as pointers do in the kernel: the array can
    /// begin below what is mapped of it.
    const fn page_struct(&self, frame: u64) -> u64 {
        let offset = frame.wrapping_mul(self.layout.size as u64);
        self.array.base.wrapping_add(offset)
    }
}

/// Page structs to copy at a time where free blocks are to be expected.
const LEAST: u64 = 64;

fn count_window(
    counter: &mut PageCounter<'_, impl BlockVisitor>,
    copied: Copied<'_>,
    size: usize,
    frames: usize,
) {
    let readable = |at: usize| copied.readable >> (at / Copied::PIECE) & 1 == 1;
    for frame in 0..frames {
        let (start, last) = (frame * size, (frame + 1) * size - 1);
        if readable(start) && readable(last) {
            counter.count(&copied.bytes[start..]);
        } else {
            counter.absent();
        }
    }
}
