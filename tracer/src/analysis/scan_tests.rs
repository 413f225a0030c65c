//! Tests of the scan on a machine of a few pages.

use std::collections::BTreeMap;

use super::*;
use crate::analysis::Cell;

/// Pages whose states are given; site 30 takes blocks of order 2, others single pages.
#[derive(Default)]
struct Machine {
    states: Vec<PageState>,
    unreferenced: u32,
}

impl Pages for Machine {
    fn states(&self, first: u64, count: usize, states: &mut Vec<PageState>) {
        states.extend(self.states.iter().skip(first as usize).take(count));
    }

    fn unreferenced(&self, first: u64) -> Option<u32> {
        Some(if first == 0 { self.unreferenced } else { 0 })
    }

    fn order(&self, site: u32) -> u32 {
        if site == 30 { 2 } else { 0 }
    }
}

fn slots(marked: &[(usize, u32)]) -> Vec<AtomicU32> {
    let len = marked.iter().map(|&(at, _)| at + 1).max().unwrap_or(5);
    let mut words = vec![0; len];
    for &(at, site) in marked {
        words[at] = Slot::new(site, 1).0;
    }
    words.into_iter().map(AtomicU32::new).collect()
}

type Tree = BTreeMap<u32, BTreeMap<Cell, u64>>;

fn tree((survivors, phantoms): (Survivors, u64)) -> (Tree, u64) {
    let sites = survivors.sites();
    let cells = |site| survivors.of(site).map(|(cell, pages)| (cell, pages.into()));
    let tree = sites.map(|site| (site, cells(site).collect()));
    (tree.collect(), phantoms)
}

fn survivors(marked: &[(usize, u32)], machine: &Machine) -> (Tree, u64) {
    tree(scan(&slots(marked), machine).settle(Some(1)))
}

fn kinds<const N: usize>(kinds: [(Kind, u64); N]) -> BTreeMap<Cell, u64> {
    kinds
        .map(|(kind, pages)| (Cell { epoch: 1, kind }, pages))
        .into()
}

#[test]
fn free_pages_are_phantoms() {
    use PageState::{Free, Slab, Unmarked};
    let machine = Machine {
        states: vec![Unmarked, Slab, Free, Unmarked],
        ..Machine::default()
    };
    let found = survivors(&[(0, 25), (1, 25), (2, 25), (3, 26)], &machine);
    let expected = BTreeMap::from([
        (25, kinds([(Kind::Raw, 1), (Kind::Slab, 1)])),
        (26, kinds([(Kind::Raw, 1)])),
    ]);
    assert_eq!(found, (expected, 1));
}

#[test]
fn the_flags_of_a_block_are_those_of_its_first_page() {
    use PageState::{Free, PageTable, Unmarked};
    let machine = Machine {
        states: vec![PageTable, Unmarked, Free, Unmarked, Free, Unmarked],
        ..Machine::default()
    };
    // The second block's head went and its neighbour is another's.
    let found = survivors(&[(0, 30), (1, 30), (2, 30), (5, 30)], &machine);
    let expected = BTreeMap::from([(30, kinds([(Kind::PageTable, 2), (Kind::Raw, 1)]))]);
    assert_eq!(found, (expected, 1));
}

#[test]
fn a_page_that_nobody_holds_is_free_if_a_lost_free_explains_it() {
    let machine = Machine {
        states: vec![PageState::Unmarked; 3],
        unreferenced: 0b110,
    };
    let marked = [(0, 25), (1, 25), (2, 25)];
    let settled = |lost| tree(scan(&slots(&marked), &machine).settle(lost));
    let all = BTreeMap::from([(25, kinds([(Kind::Raw, 3)]))]);
    let one = BTreeMap::from([(25, kinds([(Kind::Raw, 1)]))]);
    assert_eq!(settled(Some(1)), (all, 0));
    assert_eq!(settled(Some(2)), (one.clone(), 2));
    assert_eq!(settled(None), (one, 2));
}

#[test]
fn a_block_is_held_by_its_first_page() {
    let settled = |unreferenced| {
        let machine = Machine {
            states: vec![PageState::Unmarked; 4],
            unreferenced,
        };
        let marked = [(0, 30), (1, 30), (2, 30), (3, 30)];
        survivors(&marked, &machine)
    };
    // Its other pages have no references of their own.
    assert_eq!(settled(0b1110).1, 0);
    // One lost free explains a whole block.
    assert_eq!(settled(0b1111), (Tree::new(), 4));
}

#[test]
fn pages_beyond_the_first_chunk_are_found() {
    let at = CHUNK_SLOTS * 2 + 7;
    let machine = Machine {
        states: vec![PageState::Slab; at + 1],
        ..Machine::default()
    };
    let (survivors, _) = survivors(&[(at, 25)], &machine);
    assert_eq!(survivors[&25], kinds([(Kind::Slab, 1)]));
}

#[test]
fn without_page_flags_nothing_is_dropped() {
    let scan = scan(&slots(&[(3, 25)]), &Machine::default());
    assert!(scan.is_unverified());
    let (survivors, phantoms) = tree(scan.settle(Some(0)));
    assert_eq!(survivors[&25], kinds([(Kind::Unverified, 1)]));
    assert_eq!(phantoms, 0);
}

#[test]
fn an_empty_table_has_none() {
    assert_eq!(survivors(&[], &Machine::default()).0, Tree::new());
}

/// Sites whose order is their last digit, and pages that are what they are by their numbers.
struct Numbered {
    /// Pages up to here are known.
    known: u64,
    /// So many neighbours are the same, but for some of few.
    alike: u64,
    seed: u64,
}

impl Numbered {
    fn state(&self, page: u64) -> PageState {
        const STATES: [PageState; 4] = [
            PageState::Unmarked,
            PageState::Unmarked,
            PageState::Free,
            PageState::Slab,
        ];
        let number = if self.alike < 1024 && page.is_multiple_of(5) {
            page
        } else {
            page / self.alike
        };
        STATES[fastrand::Rng::with_seed(self.seed ^ number).usize(..STATES.len())]
    }
}

impl Pages for Numbered {
    fn states(&self, first: u64, count: usize, states: &mut Vec<PageState>) {
        let end = self.known.min(first + count as u64);
        states.extend((first..end).map(|page| self.state(page)));
    }

    fn unreferenced(&self, first: u64) -> Option<u32> {
        assert_eq!(first % 32, 0, "questions are about aligned pages");
        let mut rng = fastrand::Rng::with_seed(self.seed ^ first);
        let some = rng.u32(..) & rng.u32(..);
        [None, Some(0), Some(u32::MAX), Some(some)][rng.usize(..4)]
    }

    fn order(&self, site: u32) -> u32 {
        site % 10
    }
}

/// Random runs of marked and of empty slots.
fn random_words(rng: &mut fastrand::Rng, len: usize) -> Vec<u32> {
    let mut words = Vec::new();
    while words.len() < len {
        let word = match rng.u32(..4) {
            0 => Slot::new(rng.u32(25..45), rng.u32(..3)).0,
            1 => Slot::new(30, 1).0,
            _ => 0,
        };
        let run = 1 << rng.u32(..12);
        words.resize(words.len() + rng.usize(1..=run), word);
    }
    words.truncate(len);
    words
}

/// What a scan finds, page by page and without a thought for speed.
fn plain(words: &[u32], pages: &Numbered) -> (BTreeMap<(u32, Finding), u64>, u64) {
    let mut found = BTreeMap::new();
    let mut blocks = 0;
    for (page, &word) in words.iter().enumerate().filter(|&(_, &word)| word != 0) {
        let order = pages.order(Slot(word).site());
        let head = page >> order << order;
        let is_block = words[head] == word;
        let state = |page: usize| pages.state(page as u64);
        let decides = if state(page) == PageState::Unmarked && is_block {
            head
        } else {
            page
        };
        let of_head = decides == head && head != page;
        let known = Kind::of(state(decides)).map_or(Finding::Free, Finding::Known);
        let mut finding = match known {
            _ if page as u64 >= pages.known => Finding::Known(Kind::Unverified),
            Finding::Free if of_head => Finding::Known(Kind::Raw),
            other => other,
        };
        let bits = pages.unreferenced(head as u64 / 32 * 32).unwrap_or(0);
        if finding == Finding::Known(Kind::Raw) && is_block && bits >> (head % 32) & 1 == 1 {
            finding = Finding::Unreferenced;
            blocks += u64::from(head == page);
        }
        *found.entry((word, finding)).or_insert(0) += 1;
    }
    (found, blocks)
}

#[test]
fn any_number_of_workers_finds_what_there_is() {
    let given = std::env::var("PAGETRACE_SEED").ok();
    let seed = given.and_then(|it| it.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    let mut rng = fastrand::Rng::with_seed(seed);
    for (len, alike) in [
        (1, 256),
        (31, 256),
        (1023, 256),
        (1024, 1024),
        (1025, 256),
        (5000, 256),
        (10_240, 256),
        (12_345, 256),
        (30_000, 2048),
    ] {
        let words = random_words(&mut rng, len);
        let pages = Numbered {
            known: rng.u64(..2 * len as u64),
            alike,
            seed: rng.u64(..),
        };
        let slots: Vec<_> = words.iter().copied().map(AtomicU32::new).collect();
        let expected = plain(&words, &pages);
        for (workers, chunks) in [(1, 100), (1, 1), (2, 1), (3, 2), (7, 3)] {
            let scan = scan_by(&slots, &pages, workers, chunks * CHUNK_SLOTS);
            let runs = scan.found.iter();
            let found = runs.map(|run| ((run.word, run.what), u64::from(run.pages)));
            let found = (found.collect(), scan.unreferenced_blocks);
            let with = format!("{len} slots, {workers} workers, PAGETRACE_SEED={seed}");
            assert_eq!(found, expected, "{with}");
        }
    }
}

#[test]
fn a_mark_anywhere_is_seen() {
    // Whatever the alignment of the slots.
    for (skipped, len) in [(0, 1024), (1, 1024), (1, 7), (0, 1), (3, 66)] {
        for at in 0..len {
            let slots: Vec<_> = (0..skipped + len)
                .map(|i| AtomicU32::new(u32::from(i == skipped + at)))
                .collect();
            assert!(is_marked(&slots[skipped..]), "{at} of {len}");
            slots[skipped + at].store(0, Ordering::Relaxed);
            assert!(!is_marked(&slots[skipped..]));
        }
    }
}
