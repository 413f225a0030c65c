//! The scan: which pages are still marked, and what each of them is now.

use std::{
    collections::{BTreeMap, HashMap},
    sync::atomic::{AtomicU32, Ordering},
};

use tracer_ebpf::{CHUNK_SLOTS, Slot};

use super::kind::Kind;
use crate::kernel::pageflags::PageState;

/// Pages that were never freed, by site id.
pub type Survivors = BTreeMap<u32, BTreeMap<Cell, u64>>;

/// Pages of one site that have the same age and are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The epoch in which they were taken.
    pub epoch: u32,
    /// What they are.
    pub kind: Kind,
}

/// The machine's pages, as the scan asks for them.
pub trait Pages {
    /// What each of up to `count` page frames from `first` on is now; fewer, or
    /// none, where the kernel does not tell.
    fn states(&mut self, first: u64, count: usize) -> Vec<PageState>;

    /// A bit for each of the 32 page frames from `first` on: whether nobody
    /// holds a reference to the page. None where the kernel does not tell.
    fn unreferenced(&mut self, first: u64) -> Option<u32>;

    /// The order of the allocations of a site.
    fn order(&self, site: u32) -> u32;
}

/// What a scan found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    found: HashMap<(u32, Finding), u64>,
    /// Blocks of unreferenced pages: one lost free explains one.
    unreferenced_blocks: u64,
}

/// What one marked page turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Finding {
    Known(Kind),
    /// On the buddy allocator's lists.
    Free,
    /// Raw, and its block held by nobody: on a CPU's list of free pages, or one of
    /// the kernel's frozen pages.
    Unreferenced,
}

/// Looks at every marked slot.
///
/// Frees may still be recorded meanwhile: each page is looked at before its
/// slot, so that one found free was free while it was marked.
pub fn scan(slots: &[AtomicU32], pages: &mut impl Pages) -> Scan {
    let mut scan = Scan::default();
    for (chunk, slots) in slots.chunks(CHUNK_SLOTS).enumerate() {
        let first = (chunk * CHUNK_SLOTS) as u64;
        let marked = |slot: &AtomicU32| slot.load(Ordering::Relaxed) != 0;
        let ends = slots
            .iter()
            .position(marked)
            .zip(slots.iter().rposition(marked));
        if let Some((start, last)) = ends {
            let states = pages.states(first, last + 1);
            let words: Vec<_> = slots[..=last]
                .iter()
                .map(|it| it.load(Ordering::Relaxed))
                .collect();
            Chunk {
                first,
                words,
                states,
            }
            .count(start, pages, &mut scan);
        }
    }
    scan
}

/// Neighbouring page frames, up to the last one that is marked.
struct Chunk {
    first: u64,
    words: Vec<u32>,
    states: Vec<PageState>,
}

impl Chunk {
    fn count(&self, start: usize, pages: &mut impl Pages, scan: &mut Scan) {
        // The answer for the 32 pages around the last one asked about.
        let mut answer = (usize::MAX, None);
        for (i, &word) in self.words.iter().enumerate().skip(start) {
            if word == 0 {
                continue;
            }
            let order = pages.order(Slot(word).site());
            let mut finding = self.finding(i, order);
            let head = i >> order << order;
            // References are counted on the first page of a block.
            if finding == Finding::Known(Kind::Raw) && self.words[head] == word {
                if answer.0 != head / 32 {
                    let first = self.first + (head / 32 * 32) as u64;
                    answer = (head / 32, pages.unreferenced(first));
                }
                if answer.1.is_some_and(|bits| bits >> (head % 32) & 1 == 1) {
                    finding = Finding::Unreferenced;
                    scan.unreferenced_blocks += u64::from(i == head);
                }
            }
            *scan.found.entry((word, finding)).or_insert(0) += 1;
        }
    }

    /// What page `i` is. The flags of a block can be on its first page only:
    /// its other pages are the same while they belong together.
    fn finding(&self, i: usize, order: u32) -> Finding {
        let head = i >> order << order;
        match (self.states.get(i), self.states.get(head)) {
            (None, _) => Finding::Known(Kind::Unverified),
            (Some(PageState::Unmarked), Some(&state)) if self.words[head] == self.words[i] => {
                Finding::Known(Kind::of(state).unwrap_or(Kind::Raw))
            }
            (Some(&state), _) => Kind::of(state).map_or(Finding::Free, Finding::Known),
        }
    }
}

impl Scan {
    /// Whether any page could not be looked at.
    pub fn is_unverified(&self) -> bool {
        let unverified = Finding::Known(Kind::Unverified);
        self.found.keys().any(|&(_, finding)| finding == unverified)
    }

    /// The pages that are really out, and how many marked ones are free.
    ///
    /// `lost_frees` tells how many frees the kernel kept from the tracer, if it
    /// counts them. Unreferenced pages are free if that many frees explain them;
    /// if not, they are the kernel's own frozen pages.
    pub fn settle(self, lost_frees: Option<u64>) -> (Survivors, u64) {
        let are_free = lost_frees.is_none_or(|lost| self.unreferenced_blocks <= lost);
        let mut survivors = Survivors::new();
        let mut phantoms = 0;
        for ((word, finding), pages) in self.found {
            let kind = match finding {
                Finding::Known(kind) => kind,
                Finding::Unreferenced if !are_free => Kind::Raw,
                Finding::Unreferenced | Finding::Free => {
                    phantoms += pages;
                    continue;
                }
            };
            let (slot, cells) = (Slot(word), survivors.entry(Slot(word).site()).or_default());
            let epoch = slot.epoch();
            *cells.entry(Cell { epoch, kind }).or_insert(0) += pages;
        }
        (survivors, phantoms)
    }
}

#[cfg(test)]
#[path = "survivors_tests.rs"]
mod tests;
