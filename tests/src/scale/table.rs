//! Slot tables of hosts of any size, in memory of this process.

use std::{
    io, slice,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use memmap2::{Advice, MmapOptions, MmapRaw};
use pagetrace::{analysis::Pages, model::PageState};
use tracer_ebpf::{CHUNK_SLOTS, FIRST_SITE, Slot};

/// Bytes of a page frame.
const PAGE: u64 = 4096;

/// The slot table of a host.
pub struct Table(MmapRaw);

/// Which slots are marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// None.
    Empty,
    /// All of one chunk in a thousand.
    Sparse,
    /// All, neighbours by the same site: the pages of a chunk.
    Dense,
    /// All, no two neighbours by the same of a thousand sites.
    Mixed,
}

impl Table {
    /// The table of a host with so much memory. It is touched, and in small pages,
    /// as the kernel's is.
    pub fn of_host(bytes: u64) -> io::Result<Self> {
        let len = bytes / PAGE * size_of::<u32>() as u64;
        let memory = MmapOptions::new().len(len as usize).map_anon()?;
        memory.advise(Advice::NoHugePage)?;
        let table = Self(MmapRaw::from(memory));
        table.fill(Fill::Empty);
        Ok(table)
    }

    /// Marks the slots anew.
    pub fn fill(&self, fill: Fill) {
        for (chunk, slots) in (0..).zip(self.slots().chunks(CHUNK_SLOTS)) {
            for (i, slot) in (0..).zip(slots) {
                slot.store(fill.word(chunk, i), Ordering::Relaxed);
            }
        }
    }

    /// The slots.
    pub fn slots(&self) -> &[AtomicU32] {
        let len = self.0.len() / size_of::<AtomicU32>();
        // SAFETY: the mapping is page-aligned, `len` words long and lives as long as `self`.
        unsafe { slice::from_raw_parts(self.0.as_ptr().cast(), len) }
    }

    /// Bytes of the table.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }

    /// The sum of all of the table, read as plainly and on as many CPUs as can be.
    pub fn sum(&self) -> u64 {
        let len = self.0.len() / size_of::<u64>();
        // SAFETY: the mapping is page-aligned, `len` words long and lives as long as
        // `self`; nobody writes to it while `fill` does not run, which is not shared.
        let words: &[u64] = unsafe { slice::from_raw_parts(self.0.as_ptr().cast(), len) };
        let cpus = thread::available_parallelism().map_or(1, Into::into);
        let sum = |words: &[u64]| {
            words
                .iter()
                .fold(0_u64, |sum, word| sum.wrapping_add(*word))
        };
        thread::scope(|scope| {
            let shares = words.chunks(len.div_ceil(cpus));
            let workers: Vec<_> = shares
                .map(|words| scope.spawn(move || sum(words)))
                .collect();
            let sums = workers
                .into_iter()
                .map(|it| it.join().expect("sums do not panic"));
            sums.fold(0, u64::wrapping_add)
        })
    }
}

impl Fill {
    const fn word(self, chunk: u32, i: u32) -> u32 {
        let site = match self {
            Self::Empty => return 0,
            Self::Sparse if !chunk.is_multiple_of(1000) => return 0,
            Self::Sparse | Self::Dense => chunk % 1000,
            Self::Mixed => (chunk + i) % 1000,
        };
        Slot::new(FIRST_SITE + site, 7).0
    }
}

/// Single pages that no flag tells anything of, and that somebody holds.
pub struct Raw;

impl Pages for Raw {
    fn states(&self, _first: u64, count: usize, states: &mut Vec<PageState>) {
        states.resize(states.len() + count, PageState::Unmarked);
    }

    fn unreferenced(&self, _first: u64) -> Option<u32> {
        Some(0)
    }

    fn listed(&self, _first: u64) -> Option<u32> {
        Some(0)
    }

    fn without_mapping(&self, _first: u64) -> Option<u32> {
        Some(0)
    }

    fn order(&self, _site: u32) -> u32 {
        0
    }

    fn huge_order(&self) -> u32 {
        9
    }

    fn largest_order(&self) -> u32 {
        10
    }
}
