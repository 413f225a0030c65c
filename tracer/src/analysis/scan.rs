//! The scan: which pages are still marked, and what each of them is now.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
use std::{
    num::NonZero,
    panic,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    thread,
};

use tracer_ebpf::{CHUNK_SLOTS, MAX_ORDER, Slot};

use super::{
    survivors::Survivors,
    tally::{Run, Tally},
};
use crate::model::{Kind, PageState};

/// So many pages are looked at together: those of one question about references.
const UNIT: usize = 32;

/// So many slots a worker takes at a time: 1 MiB of the table.
const STRETCH: usize = 256 * CHUNK_SLOTS;

/// The machine's pages, as the workers of the scan ask for them.
pub trait Pages: Sync {
    /// Appends what each of up to `count` page frames from `first` on is now;
    /// fewer, or none, where the kernel does not tell.
    fn states(&self, first: u64, count: usize, states: &mut Vec<PageState>);

    /// A bit for each of the 32 page frames from `first` on: whether nobody
    /// holds a reference to the page. None where the kernel does not tell.
    fn unreferenced(&self, first: u64) -> Option<u32>;

    /// The order of the allocations of a site.
    fn order(&self, site: u32) -> u32;
}

/// What a scan found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    found: Vec<Run<Finding>>,
    /// Blocks of unreferenced pages: one lost free explains one.
    unreferenced_blocks: u64,
}

/// What one marked page turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Finding {
    Known(Kind),
    /// On the buddy allocator's lists.
    Free,
    /// Raw, and its block held by nobody: on a CPU's list of free pages, or one of
    /// the kernel's frozen pages.
    Unreferenced,
}

/// Looks at every marked slot, on every CPU that this process may use.
///
/// Frees may still be recorded meanwhile: each page is looked at before its
/// slot, so that one found free was free while it was marked.
pub fn scan(slots: &[AtomicU32], pages: &impl Pages) -> Scan {
    let cpus = thread::available_parallelism().map_or(1, NonZero::get);
    scan_by(slots, pages, cpus, STRETCH)
}

/// Marks cluster, so the workers take a stretch at a time until none is left.
fn scan_by(slots: &[AtomicU32], pages: &impl Pages, workers: usize, stretch: usize) -> Scan {
    let workers = workers.min(slots.len().div_ceil(stretch));
    let stretches = Mutex::new(slots.chunks(stretch).zip((0..).step_by(stretch)));
    let next = || {
        let mut stretches = stretches.lock().unwrap_or_else(PoisonError::into_inner);
        stretches.next()
    };
    let work = || {
        let mut worker = Worker::new(pages);
        while let Some((slots, first)) = next() {
            worker.stretch(slots, first);
        }
        worker.done()
    };
    let mut found = Tally::default();
    let mut unreferenced_blocks = 0;
    thread::scope(|scope| {
        // This thread is one of them.
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
        let mine = work();
        let joined = others.into_iter().map(|it| it.join());
        for (part, blocks) in joined
            .map(|it| it.unwrap_or_else(|panic| panic::resume_unwind(panic)))
            .chain([mine])
        {
            found.append(part);
            unreferenced_blocks += blocks;
        }
    });
    Scan {
        found: found.joined(),
        unreferenced_blocks,
    }
}

/// The slots two by two, and those at the ends: fewer loads read as much.
fn pairs(slots: &[AtomicU32]) -> (&[AtomicU32], &[AtomicU64], &[AtomicU32]) {
    // SAFETY: two neighbouring `AtomicU32` that are aligned to eight bytes are an
    // `AtomicU64`, of any value, and nothing in this process writes to them.
    unsafe { slots.align_to() }
}

/// Copies the slots as they are now.
fn load(slots: &[AtomicU32], words: &mut [u32]) {
    let (before, pairs, after) = pairs(slots);
    let (first, words) = words.split_at_mut(before.len());
    let (twos, last) = words.as_chunks_mut();
    for (two, pair) in twos.iter_mut().zip(pairs) {
        let pair = pair.load(Ordering::Relaxed).to_ne_bytes();
        let (words, _) = pair.as_chunks();
        *two = [u32::from_ne_bytes(words[0]), u32::from_ne_bytes(words[1])];
    }
    for (word, slot) in first.iter_mut().chain(last).zip(before.iter().chain(after)) {
        *word = slot.load(Ordering::Relaxed);
    }
}

/// Begins to fetch the unit one chunk beyond `slot`, if there is one: the CPU does
/// so by itself only within a page of memory.
fn prefetch(slot: *const AtomicU32) {
    #[cfg(target_arch = "x86_64")]
    for line in [0, UNIT / 2] {
        let slot = slot.wrapping_add(CHUNK_SLOTS + line);
        // SAFETY: a hint, which no address makes fail.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(slot.cast()) };
    }
}

/// Whether any of these slots is marked.
fn is_marked(slots: &[AtomicU32]) -> bool {
    let (before, pairs, after) = pairs(slots);
    let (groups, rest) = pairs.as_chunks::<UNIT>();
    let one = |slot: &AtomicU32| slot.load(Ordering::Relaxed) != 0;
    groups.iter().any(|group| !are_all(group, 0))
        || !are_all(rest, 0)
        || before.iter().chain(after).any(one)
}

/// The word in all these slots, if it is the same.
fn same_word(slots: &[AtomicU32]) -> Option<u32> {
    let (before, pairs, after) = pairs(slots);
    let word = slots.first()?.load(Ordering::Relaxed);
    let two = u64::from(word) << u32::BITS | u64::from(word);
    let one = |slot: &AtomicU32| slot.load(Ordering::Relaxed) == word;
    (are_all(pairs, two) && before.iter().chain(after).all(one)).then_some(word)
}

/// Whether all words are like this one. Four sums, so that no load waits for the
/// one before it.
fn are_all(words: &[AtomicU64], like: u64) -> bool {
    let (fours, rest) = words.as_chunks::<4>();
    let load = |word: &AtomicU64| word.load(Ordering::Relaxed) ^ like;
    let mut sums = [0; 4];
    for four in fours {
        for (sum, word) in sums.iter_mut().zip(four) {
            *sum |= load(word);
        }
    }
    rest.iter().map(load).chain(sums).fold(0, |a, b| a | b) == 0
}

/// Looks at one chunk after the other. All that it knows about pages is of the
/// chunk it is at.
struct Worker<'a, P> {
    pages: &'a P,
    /// The first page frame of the chunk.
    first: u64,
    /// Its slots, up to the unit that is looked at; 0 beyond the last marked one.
    words: [u32; CHUNK_SLOTS],
    /// Up to its last marked page, or as far as the kernel tells.
    states: Vec<PageState>,
    /// The site asked about last, and its order.
    order: (u32, u32),
    /// The unit asked about last, and the pages in it that nobody holds.
    unreferenced: (u64, u32),
    found: Tally<Finding>,
    unreferenced_blocks: u64,
}

impl<'a, P: Pages> Worker<'a, P> {
    fn new(pages: &'a P) -> Self {
        Self {
            pages,
            first: 0,
            words: [0; CHUNK_SLOTS],
            states: Vec::with_capacity(CHUNK_SLOTS),
            order: (0, pages.order(0)),
            unreferenced: (u64::MAX, 0),
            found: Tally::default(),
            unreferenced_blocks: 0,
        }
    }

    fn done(self) -> (Tally<Finding>, u64) {
        (self.found, self.unreferenced_blocks)
    }

    fn stretch(&mut self, slots: &[AtomicU32], first: usize) {
        for (slots, first) in slots
            .chunks(CHUNK_SLOTS)
            .zip((first..).step_by(CHUNK_SLOTS))
        {
            if is_marked(slots) {
                self.chunk(slots, first as u64);
            }
        }
    }

    /// Takes in what the pages are, then their slots: a unit at a time, so that
    /// one is looked at while the next is on its way from memory.
    fn chunk(&mut self, slots: &[AtomicU32], first: u64) {
        let marked = |slot: &AtomicU32| slot.load(Ordering::Relaxed) != 0;
        let len = slots.iter().rposition(marked).map_or(0, |last| last + 1);
        self.first = first;
        self.states.clear();
        self.pages.states(first, len, &mut self.states);
        if len == CHUNK_SLOTS
            && self.has_one_state()
            && let Some(word) = same_word(slots)
        {
            self.even_chunk(slots, word);
            return;
        }
        for (at, slots) in (0..).step_by(UNIT).zip(slots[..len].chunks(UNIT)) {
            let (words, rest) = self.words[at..at + UNIT].split_at_mut(slots.len());
            prefetch(&raw const slots[0]);
            load(slots, words);
            rest.fill(0);
            self.unit(at);
        }
    }

    /// Whether all pages of a chunk are the same, as far as the kernel tells.
    fn has_one_state(&self) -> bool {
        let (all, _) = self.states.as_chunks::<UNIT>();
        let like_first = |unit: &[PageState; UNIT]| are_same(unit) && unit[0] == all[0][0];
        self.states.is_empty() || self.states.len() == CHUNK_SLOTS && all.iter().all(like_first)
    }

    /// All pages are what the first one is. Whether anybody holds them is asked all the same.
    fn even_chunk(&mut self, slots: &[AtomicU32], word: u32) {
        self.words[0] = word;
        let (order, finding) = (self.order(word), self.finding(0, 0));
        let mut alike = 0;
        for at in (0..CHUNK_SLOTS).step_by(UNIT) {
            prefetch(&raw const slots[at]);
            let head = at >> order << order;
            if finding == Finding::Known(Kind::Raw) && self.unreferenced(head) != 0 {
                self.words.fill(word);
                (at..at + UNIT).for_each(|page| self.page(page));
            } else {
                alike += UNIT as u32;
            }
        }
        if alike > 0 {
            self.count(word, finding, alike);
        }
    }

    fn unit(&mut self, at: usize) {
        if !self.is_even(at) {
            (at..at + UNIT).for_each(|page| self.page(page));
        } else if self.words[at] != 0 {
            self.even_unit(at);
        }
    }

    /// Whether the unit's words are the same, and its states are.
    fn is_even(&self, at: usize) -> bool {
        let (words, _) = self.words[at..].as_chunks::<UNIT>();
        let words = &words[0];
        let same_words = words.iter().fold(0, |sum, word| sum | (word ^ words[0])) == 0;
        same_words
            && (words[0] == 0
                || self.states.len() <= at
                || self.states[at..].first_chunk().is_some_and(are_same))
    }

    /// A block is aligned to its size. So the pages of a unit have their heads in
    /// it, and these are like the first one, or they all have the same head.
    fn even_unit(&mut self, at: usize) {
        let (word, head) = (self.words[at], self.head(at));
        let finding = self.finding(at, head);
        if self.is_held_by(head, word, finding) && self.unreferenced(head) != 0 {
            (at..at + UNIT).for_each(|page| self.page(page));
        } else {
            self.count(word, finding, UNIT as u32);
        }
    }

    fn page(&mut self, at: usize) {
        let word = self.words[at];
        if word == 0 {
            return;
        }
        let head = self.head(at);
        let mut finding = self.finding(at, head);
        if self.is_held_by(head, word, finding) && self.unreferenced(head) >> (head % UNIT) & 1 == 1
        {
            finding = Finding::Unreferenced;
            self.unreferenced_blocks += u64::from(at == head);
        }
        self.count(word, finding, 1);
    }

    /// References are counted on the first page of a block.
    fn is_held_by(&self, head: usize, word: u32, finding: Finding) -> bool {
        finding == Finding::Known(Kind::Raw) && self.words[head] == word
    }

    /// Which pages of the unit around `page` nobody holds.
    fn unreferenced(&mut self, page: usize) -> u32 {
        let first = self.first + (page / UNIT * UNIT) as u64;
        if self.unreferenced.0 != first {
            self.unreferenced = (first, self.pages.unreferenced(first).unwrap_or(0));
        }
        self.unreferenced.1
    }

    /// The first page of the block that `page` was taken in.
    fn head(&mut self, page: usize) -> usize {
        let order = self.order(self.words[page]);
        page >> order << order
    }

    /// The order of the allocation that `word` stands for.
    fn order(&mut self, word: u32) -> u32 {
        let site = Slot(word).site();
        if self.order.0 != site {
            self.order = (site, self.pages.order(site));
        }
        self.order.1.min(MAX_ORDER)
    }

    /// What a page is. The flags of a block can be on its first page only: its
    /// other pages are the same while they belong together.
    fn finding(&self, page: usize, head: usize) -> Finding {
        match (self.states.get(page), self.states.get(head)) {
            (None, _) => Finding::Known(Kind::Unverified),
            (Some(PageState::Unmarked), Some(&state)) if self.words[head] == self.words[page] => {
                Finding::Known(Kind::of(state).unwrap_or(Kind::Raw))
            }
            (Some(&state), _) => Kind::of(state).map_or(Finding::Free, Finding::Known),
        }
    }

    fn count(&mut self, word: u32, what: Finding, pages: u32) {
        self.found.add(Run { word, what, pages });
    }
}

fn are_same(states: &[PageState; UNIT]) -> bool {
    states
        .iter()
        .fold(true, |same, state| same & (*state == states[0]))
}

impl Scan {
    /// Whether any page could not be looked at.
    pub fn is_unverified(&self) -> bool {
        let unverified = Finding::Known(Kind::Unverified);
        self.found.iter().any(|run| run.what == unverified)
    }

    /// The pages that are really out, and how many marked ones are free.
    ///
    /// `lost_frees` tells how many frees the kernel kept from the tracer, if it
    /// counts them. Unreferenced pages are free if that many frees explain them;
    /// if not, they are the kernel's own frozen pages.
    pub fn settle(self, lost_frees: Option<u64>) -> (Survivors, u64) {
        let are_free = lost_frees.is_none_or(|lost| self.unreferenced_blocks <= lost);
        let mut phantoms = 0;
        let runs = self.found.into_iter().filter_map(|run| {
            let what = match run.what {
                Finding::Known(kind) => kind,
                Finding::Unreferenced if !are_free => Kind::Raw,
                Finding::Unreferenced | Finding::Free => {
                    phantoms += u64::from(run.pages);
                    return None;
                }
            };
            let Run { word, pages, .. } = run;
            Some(Run { word, what, pages })
        });
        // Collected in place: there can be as many as pages.
        let runs = runs.collect();
        (Survivors::new(runs), phantoms)
    }
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
