//! The scan: which pages are still marked, and what each of them is now.

mod slots;
mod worker;

use std::{
    num::NonZero,
    panic,
    sync::{Mutex, PoisonError, atomic::AtomicU32},
    thread,
};

use tracer_ebpf::CHUNK_SLOTS;

use self::worker::{Found, Worker};
use super::{
    run_length::Run,
    survivors::{LostFrees, Survivors},
};
use crate::model::{Kind, PageState};

/// So many pages are looked at together: those of one question.
const UNIT: usize = 32;

/// So many slots a worker takes at a time: 1 MiB of the table.
const STRETCH: usize = 1 << 18;

/// So many pages are looked at one after the other where no block has more: what is kept of them stays
/// in the nearest cache.
const SMALL_CHUNK: usize = 1024;

/// The machine's pages, as the workers of the scan ask for them.
pub trait Pages: Sync {
    /// Appends what each of up to `count` page frames from `first` on is now;
    /// fewer, or none, where the kernel does not tell.
    fn states(&self, first: u64, count: usize, states: &mut Vec<PageState>);

    /// A bit for each of the 32 page frames from `first` on: whether nobody holds a
    /// reference to the page. None where the kernel does not tell, here and below.
    fn unreferenced(&self, first: u64) -> Option<u32>;

    /// Whether the page is on a list, as free pages are.
    fn listed(&self, first: u64) -> Option<u32>;

    /// Whether the page belongs to no file.
    fn without_mapping(&self, first: u64) -> Option<u32>;

    /// The order of the allocations of a site.
    fn order(&self, site: u32) -> u32;

    /// The largest order of all.
    fn largest_order(&self) -> u32;

    /// The order of a transparent huge page.
    fn huge_order(&self) -> u32;
}

/// The slots of page frames that follow each other, and the first of these.
pub type Part<'a> = (u64, &'a [AtomicU32]);

/// What a scan found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    found: Vec<Run<Finding>>,
    /// Blocks that nobody refers to and that are on a list: one lost free explains one.
    listed_blocks: u64,
}

/// What one marked page turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Finding {
    Known(Kind),
    /// On the buddy allocator's lists.
    Free,
    /// Raw by its flags; nobody refers to its block, which is on a list: a CPU's list of
    /// free pages, most likely.
    OnList,
    /// The same, but whether it is on a list is not known: free, or one of the kernel's
    /// frozen pages.
    Unreferenced,
    /// Raw by its flags; whether somebody refers to it could not be looked up.
    NotLookedUp,
}

impl Finding {
    /// Whether the page looks as if nobody had it.
    const fn looks_free(self) -> bool {
        matches!(self, Self::Free | Self::OnList | Self::Unreferenced)
    }
}

/// Whether allocations are still recorded, and mark slots, while pages are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marking {
    /// Slots can be marked and cleared meanwhile.
    GoesOn,
    /// They can only be cleared.
    HasEnded,
}

/// What became of the findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// The pages that are still out.
    pub survivors: Survivors,
    /// Marked pages that are free: their free was missed.
    pub missed_free_pages: u64,
    /// Pages that may be free, as whether somebody holds them could not be looked up.
    pub unknown_reference_pages: u64,
}

/// Looks at every marked slot, on every CPU that this process may use. Each part is the slots of page
/// frames that follow each other, from a first one on that a block of the largest order could begin at.
///
/// Frees may still be recorded meanwhile: each page is looked at before its
/// slot, so that one found free was free while it was marked. Where allocations are recorded, too,
/// the slot is read before as well: only if it was the same does the page belong to it. Each page
/// frame is counted once or not at all, and every one that is out all the while is counted.
pub fn scan(parts: &[Part<'_>], pages: &impl Pages, marking: Marking) -> Scan {
    let cpus = thread::available_parallelism().map_or(1, NonZero::get);
    if pages.largest_order() <= SMALL_CHUNK.ilog2() {
        scan_by::<SMALL_CHUNK>(parts, pages, marking, cpus, STRETCH)
    } else {
        scan_by::<CHUNK_SLOTS>(parts, pages, marking, cpus, STRETCH)
    }
}

/// Marks cluster, so the workers take a stretch at a time until none is left.
fn scan_by<const CHUNK: usize>(
    parts: &[Part<'_>],
    pages: &impl Pages,
    marking: Marking,
    workers: usize,
    stretch: usize,
) -> Scan {
    let of_part = |(_, slots): &Part<'_>| slots.len().div_ceil(stretch);
    let workers = workers.min(parts.iter().map(of_part).sum());
    let stretches = parts.iter().flat_map(|&(first, slots)| {
        let firsts = (first..).step_by(stretch);
        slots.chunks(stretch).zip(firsts)
    });
    let stretches = Mutex::new(stretches);
    let next = || {
        let mut stretches = stretches.lock().unwrap_or_else(PoisonError::into_inner);
        stretches.next()
    };
    let work = || {
        let mut worker = Worker::<_, CHUNK>::new(pages, marking);
        while let Some((slots, first)) = next() {
            worker.stretch(slots, first);
        }
        worker.done()
    };
    let mut found = Found::default();
    thread::scope(|scope| {
        // This thread is one of them.
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
        found.append(work());
        for other in others {
            let part = other.join();
            found.append(part.unwrap_or_else(|panic| panic::resume_unwind(panic)));
        }
    });
    Scan {
        found: found.pages.joined(),
        listed_blocks: found.listed_blocks,
    }
}

impl Scan {
    /// Whether any page could not be looked at.
    pub fn is_unverified(&self) -> bool {
        let unverified = Finding::Known(Kind::Unverified);
        self.found.iter().any(|run| run.what == unverified)
    }

    /// Decides on what is in doubt. `lost_frees` tells how many frees the kernel kept from
    /// the tracer, if it counts them: they explain as many blocks that look free. What they
    /// do not explain is neither dropped nor accused, but [uncertain](Kind::Uncertain).
    pub fn settle(self, lost_frees: Option<u64>) -> Settled {
        let are_verified = !self.is_unverified();
        let mut lost = LostFrees(lost_frees);
        let listed = (!lost.explain(self.listed_blocks)).then_some(Kind::Uncertain);
        let mut settled = Settled::default();
        let runs = self.found.into_iter().filter_map(|run| {
            let pages = u64::from(run.pages);
            let kind = match run.what {
                Finding::Known(kind) => Some(kind),
                Finding::Free => None,
                Finding::OnList => listed,
                Finding::Unreferenced => Some(lost.doubted(Kind::Uncertain)),
                Finding::NotLookedUp => {
                    let kind = lost.doubted(Kind::Unverified);
                    settled.unknown_reference_pages += if kind == Kind::Raw { 0 } else { pages };
                    Some(kind)
                }
            };
            settled.missed_free_pages += if kind.is_none() { pages } else { 0 };
            let Run { word, pages, .. } = run;
            kind.map(|what| Run { word, what, pages })
        });
        // Collected in place: there can be as many as pages.
        let runs = runs.collect();
        settled.survivors = Survivors::new(runs, lost, are_verified);
        settled
    }
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
