//! Faults of anonymous pages: movable ones, and now and then a page table.

use std::io;

use memmap2::{Advice, MmapMut};
use rustix::param::page_size;

use super::Workload;

/// In one mapping: 4 MiB.
const PAGES: usize = 1024;

/// A mapping of which one page after the other is touched.
pub(super) struct PageFaults {
    memory: MmapMut,
    touched: usize,
}

impl PageFaults {
    pub(super) fn new() -> io::Result<Self> {
        let memory = MmapMut::map_anon(PAGES * page_size())?;
        memory.advise(Advice::NoHugePage)?;
        Ok(Self { memory, touched: 0 })
    }
}

impl Workload for PageFaults {
    fn operate(&mut self) -> io::Result<()> {
        if self.touched == PAGES {
            *self = Self::new()?;
        }
        self.memory[self.touched * page_size()] = 1;
        self.touched += 1;
        Ok(())
    }
}
