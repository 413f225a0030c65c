//! Every page frame of the machine, by its `struct page`.

use anyhow::Result;

use super::{Copied, KernelMemory, PageArray};
use crate::kernel::{
    page_census::{PageCounter, PageCounts, VmallocFrames},
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
}

impl PageCensus<'_> {
    /// How many page frames there are of each kind, if these are of vmalloc.
    pub fn count(&self, memory: &mut KernelMemory, vmalloc: &VmallocFrames) -> Result<PageCounts> {
        let mut counts = PageCounts::default();
        for zone in self.zones {
            let zone = self.count_zone(memory, vmalloc, zone)?;
            for (key, pages) in zone.pages {
                *counts.pages.entry(key).or_default() += pages;
            }
            counts.slabs.extend(zone.slabs);
        }
        Ok(counts)
    }

    fn count_zone(
        &self,
        memory: &mut KernelMemory,
        vmalloc: &VmallocFrames,
        zone: &Zone,
    ) -> Result<PageCounts> {
        let size = self.layout.size as u64;
        let (mut next, end) = (zone.frames.start, zone.frames.end);
        let mut counter = PageCounter::new(self.layout, vmalloc, zone.node, next);
        while next < end {
            let frames = (end - next).min(KernelMemory::WINDOW / size);
            let copied = memory.window(self.page_struct(next), frames * size)?;
            count_window(&mut counter, copied, self.layout.size, frames as usize);
            next += frames;
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

fn count_window(counter: &mut PageCounter<'_>, copied: Copied<'_>, size: usize, frames: usize) {
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
