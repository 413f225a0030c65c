//! Tests of the scan on a machine of a few pages.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use tracer_ebpf::{MAX_ORDER, Slot};

use super::*;
use crate::analysis::Cell;

/// Pages whose states are given; site 30 takes blocks of order 2, others single pages.
#[derive(Default)]
struct Machine {
    states: Vec<PageState>,
    unreferenced: Option<u32>,
    listed: Option<u32>,
    without_mapping: Option<u32>,
}

impl Machine {
    /// Pages without flags.
    fn unmarked(pages: usize, unreferenced: Option<u32>, listed: Option<u32>) -> Self {
        Self {
            states: vec![PageState::Unmarked; pages],
            unreferenced,
            listed,
            without_mapping: None,
        }
    }

    fn of(states: Vec<PageState>) -> Self {
        Self {
            states,
            unreferenced: Some(0),
            ..Self::default()
        }
    }
}

impl Pages for Machine {
    fn huge_order(&self) -> u32 {
        9
    }

    fn largest_order(&self) -> u32 {
        SMALL_CHUNK.ilog2()
    }

    fn states(&self, first: u64, count: usize, states: &mut Vec<PageState>) {
        states.extend(self.states.iter().skip(first as usize).take(count));
    }

    fn unreferenced(&self, first: u64) -> Option<u32> {
        self.unreferenced.map(|it| if first == 0 { it } else { 0 })
    }

    fn listed(&self, first: u64) -> Option<u32> {
        self.listed.map(|it| if first == 0 { it } else { 0 })
    }

    fn without_mapping(&self, first: u64) -> Option<u32> {
        self.without_mapping
            .map(|it| if first == 0 { it } else { 0 })
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

fn tree(settled: &Settled) -> (Tree, u64) {
    let survivors = &settled.survivors;
    let sites = survivors.sites();
    let cells = |site| survivors.of(site).map(|(cell, pages)| (cell, pages.into()));
    let tree = sites.map(|site| (site, cells(site).collect()));
    (tree.collect(), settled.missed_free_pages)
}

fn survivors(marked: &[(usize, u32)], machine: &Machine) -> (Tree, u64) {
    tree(&scan(&[(0, &slots(marked))], machine, Marking::HasEnded).settle(Some(1)))
}

fn kinds<const N: usize>(kinds: [(Kind, u64); N]) -> BTreeMap<Cell, u64> {
    kinds
        .map(|(kind, pages)| (Cell { epoch: 1, kind }, pages))
        .into()
}

#[test]
fn the_free_of_a_free_page_was_missed() {
    use PageState::{Free, Slab, Unmarked};
    let machine = Machine::of(vec![Unmarked, Slab, Free, Unmarked]);
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
    let machine = Machine::of(vec![PageTable, Unmarked, Free, Unmarked, Free, Unmarked]);
    // The second block's head went and its neighbour is another's.
    let found = survivors(&[(0, 30), (1, 30), (2, 30), (5, 30)], &machine);
    let expected = BTreeMap::from([(30, kinds([(Kind::PageTable, 2), (Kind::Raw, 1)]))]);
    assert_eq!(found, (expected, 1));
}

/// What becomes of three pages without flags, by the number of lost frees.
fn settled(machine: &Machine, lost: Option<u64>) -> (BTreeMap<Cell, u64>, u64) {
    let settled = scan(
        &[(0, &slots(&[(0, 25), (1, 25), (2, 25)]))],
        machine,
        Marking::HasEnded,
    )
    .settle(lost);
    let (mut tree, missed) = tree(&settled);
    (tree.remove(&25).unwrap_or_default(), missed)
}

#[test]
fn a_page_on_a_list_is_free_if_a_lost_free_explains_it() {
    let machine = Machine::unmarked(3, Some(0b110), Some(0b110));
    let raw = kinds([(Kind::Raw, 1)]);
    assert_eq!(settled(&machine, Some(2)), (raw.clone(), 2));
    assert_eq!(settled(&machine, None), (raw, 2));
    // Neither dropped nor accused.
    let uncertain = kinds([(Kind::Raw, 1), (Kind::Uncertain, 2)]);
    assert_eq!(settled(&machine, Some(1)), (uncertain, 0));
}

#[test]
fn frozen_pages_are_kept_however_many_frees_were_lost() {
    let machine = Machine::unmarked(3, Some(0b110), Some(0b001));
    let all = (kinds([(Kind::Raw, 3)]), 0);
    for lost in [Some(0), Some(100), None] {
        assert_eq!(settled(&machine, lost), all);
    }
}

#[test]
fn where_lists_are_unknown_what_nobody_holds_is_uncertain() {
    let machine = Machine::unmarked(3, Some(0b110), None);
    let uncertain = (kinds([(Kind::Raw, 1), (Kind::Uncertain, 2)]), 0);
    for lost in [Some(1), Some(100), None] {
        assert_eq!(settled(&machine, lost), uncertain);
    }
    assert_eq!(settled(&machine, Some(0)), (kinds([(Kind::Raw, 3)]), 0));
}

#[test]
fn references_that_cannot_be_looked_up_are_a_loss() {
    let machine = Machine::unmarked(3, None, None);
    for (lost, kind, unknown) in [(Some(0), Kind::Raw, 0), (None, Kind::Unverified, 3)] {
        let settled = scan(
            &[(0, &slots(&[(0, 25), (1, 25), (2, 25)]))],
            &machine,
            Marking::HasEnded,
        )
        .settle(lost);
        assert_eq!(settled.unknown_reference_pages, unknown);
        assert_eq!(tree(&settled).0[&25], kinds([(kind, 3)]));
    }
}

#[test]
fn a_cached_page_belongs_to_a_file() {
    use PageState::{MaybePageCache, PageCache};
    let mut machine = Machine::of(vec![PageCache, MaybePageCache, PageCache, MaybePageCache]);
    let kinds_of = |machine: &Machine| {
        let marked = [(0, 25), (1, 25), (2, 25), (3, 25)];
        survivors(&marked, machine).0.remove(&25)
    };
    assert_eq!(kinds_of(&machine), Some(kinds([(Kind::File, 4)])));
    // Truncated while somebody holds it; a driver's page that looks like one.
    machine.without_mapping = Some(0b1100);
    let found = kinds([(Kind::Raw, 1), (Kind::Pinned, 1), (Kind::File, 2)]);
    assert_eq!(kinds_of(&machine), Some(found));
}

#[test]
fn a_block_is_held_by_its_first_page() {
    let settled = |unreferenced| {
        let machine = Machine::unmarked(4, Some(unreferenced), Some(u32::MAX));
        survivors(&[(0, 30), (1, 30), (2, 30), (3, 30)], &machine)
    };
    // Its other pages have no references of their own.
    assert_eq!(settled(0b1110).1, 0);
    // One lost free explains a whole block.
    assert_eq!(settled(0b1111), (Tree::new(), 4));
}

#[test]
fn pages_beyond_the_first_chunk_are_found() {
    let at = SMALL_CHUNK * 2 + 7;
    let machine = Machine::of(vec![PageState::Slab; at + 1]);
    let (survivors, _) = survivors(&[(at, 25)], &machine);
    assert_eq!(survivors[&25], kinds([(Kind::Slab, 1)]));
}

/// One block of the largest order, which somebody refers to by its first page.
struct LargestBlock;

impl Pages for LargestBlock {
    fn states(&self, _first: u64, count: usize, states: &mut Vec<PageState>) {
        states.resize(states.len() + count, PageState::Unmarked);
    }

    fn unreferenced(&self, first: u64) -> Option<u32> {
        Some(if first == 0 { !1 } else { u32::MAX })
    }

    fn listed(&self, _first: u64) -> Option<u32> {
        Some(0)
    }

    fn without_mapping(&self, _first: u64) -> Option<u32> {
        Some(u32::MAX)
    }

    fn order(&self, _site: u32) -> u32 {
        MAX_ORDER
    }

    fn huge_order(&self) -> u32 {
        9
    }

    fn largest_order(&self) -> u32 {
        MAX_ORDER
    }
}

#[test]
fn the_last_page_of_the_largest_block_is_held_by_its_first() {
    let slots = slots(&[(CHUNK_SLOTS - 1, 30)]);
    let scan = scan(&[(0, &slots)], &LargestBlock, Marking::HasEnded);
    let (survivors, phantoms) = tree(&scan.settle(Some(0)));
    assert_eq!(survivors[&30], kinds([(Kind::Raw, 1)]));
    assert_eq!(phantoms, 0);
}

#[test]
fn without_page_flags_nothing_is_dropped() {
    let scan = scan(
        &[(0, &slots(&[(3, 25)]))],
        &Machine::default(),
        Marking::HasEnded,
    );
    assert!(scan.is_unverified());
    let (survivors, phantoms) = tree(&scan.settle(Some(0)));
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
        const STATES: [PageState; 6] = [
            PageState::Unmarked,
            PageState::Unmarked,
            PageState::Free,
            PageState::Slab,
            PageState::PageCache,
            PageState::MaybePageCache,
        ];
        let number = if self.alike < 1024 && page.is_multiple_of(5) {
            page
        } else {
            page / self.alike
        };
        STATES[fastrand::Rng::with_seed(self.seed ^ number).usize(..STATES.len())]
    }

    fn answer(&self, first: u64, question: u64) -> Option<u32> {
        assert_eq!(first % 32, 0, "questions are about aligned pages");
        let mut rng = fastrand::Rng::with_seed(self.seed ^ first ^ question << 60);
        let some = rng.u32(..) & rng.u32(..);
        [None, Some(0), Some(u32::MAX), Some(some)][rng.usize(..4)]
    }
}

impl Pages for Numbered {
    fn huge_order(&self) -> u32 {
        9
    }

    fn largest_order(&self) -> u32 {
        SMALL_CHUNK.ilog2()
    }

    fn states(&self, first: u64, count: usize, states: &mut Vec<PageState>) {
        let end = self.known.min(first + count as u64);
        states.extend((first..end).map(|page| self.state(page)));
    }

    fn unreferenced(&self, first: u64) -> Option<u32> {
        self.answer(first, 1)
    }

    fn listed(&self, first: u64) -> Option<u32> {
        self.answer(first, 2)
    }

    fn without_mapping(&self, first: u64) -> Option<u32> {
        self.answer(first, 3)
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
        let finding = plain_finding(words, pages, page, head);
        blocks += u64::from(finding == Finding::OnList && head == page);
        *found.entry((word, finding)).or_insert(0) += 1;
    }
    (found, blocks)
}

fn plain_finding(words: &[u32], pages: &Numbered, page: usize, head: usize) -> Finding {
    use PageState::{Free, MaybePageCache, PageCache, Unmarked};
    if page as u64 >= pages.known {
        return Finding::Known(Kind::Unverified);
    }
    let is_block = words[head] == words[page];
    let one = if is_block { head } else { page };
    let bit = |bits: Option<u32>| bits.map(|it| it >> (one % 32) & 1 == 1);
    let unit = one as u64 / 32 * 32;
    let own = pages.state(page as u64);
    let of_head = pages.state(head as u64);
    let state = match (own, of_head) {
        (Unmarked, Free) => Unmarked,
        (Unmarked, _) if is_block => of_head,
        _ => own,
    };
    let unheld = || match bit(pages.listed(unit)) {
        None => Finding::Unreferenced,
        Some(true) => Finding::OnList,
        Some(false) => Finding::Known(Kind::Raw),
    };
    let has_no_mapping = || bit(pages.without_mapping(unit)) == Some(true);
    match state {
        Unmarked if is_block => match bit(pages.unreferenced(unit)) {
            None => Finding::NotLookedUp,
            Some(true) => unheld(),
            Some(false) => Finding::Known(Kind::Raw),
        },
        PageCache if has_no_mapping() => Finding::Known(Kind::Pinned),
        MaybePageCache if has_no_mapping() => Finding::Known(Kind::Raw),
        _ => Kind::of(state, false).map_or(Finding::Free, Finding::Known),
    }
}

fn sums<K: Ord>(counts: impl Iterator<Item = (K, u64)>) -> BTreeMap<K, u64> {
    let mut sums = BTreeMap::new();
    for (key, count) in counts {
        *sums.entry(key).or_default() += count;
    }
    sums
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
            for recording in [Marking::HasEnded, Marking::GoesOn] {
                let scan = scan_by::<SMALL_CHUNK>(
                    &[(0, &slots)],
                    &pages,
                    recording,
                    workers,
                    chunks * SMALL_CHUNK,
                );
                let runs = scan.found.iter();
                let found = runs.map(|run| ((run.word, run.what), u64::from(run.pages)));
                let found = (sums(found), scan.listed_blocks);
                let with = format!("{len} slots, {workers} workers, PAGETRACE_SEED={seed}");
                assert_eq!(found, expected, "{with}, {recording:?}");
            }
        }
    }
}

/// A machine whose pages are taken and freed while it is looked at, as the kernel does it: a page
/// is off the free lists before its slot is marked, and its slot is cleared before it is free.
struct Busy {
    slots: Vec<AtomicU32>,
    /// Whether each page is free.
    free: Vec<AtomicBool>,
}

/// What the pages of a busy machine do, by their numbers.
const STAYS: usize = 0;
const WAS_FREED_UNSEEN: usize = 1;
const ROLES: usize = 4;

impl Busy {
    fn new(pages: usize) -> Self {
        let word = |page| match page % ROLES {
            STAYS => Slot::new(25, 1).0,
            WAS_FREED_UNSEEN => Slot::new(26, 1).0,
            _ => 0,
        };
        Self {
            slots: (0..pages).map(|page| AtomicU32::new(word(page))).collect(),
            free: (0..pages)
                .map(|page| AtomicBool::new(page % ROLES != STAYS))
                .collect(),
        }
    }

    /// Takes the page and frees it again; by the same site, so that its mark looks the same.
    fn churn(&self, page: usize) {
        self.free[page].store(false, Ordering::SeqCst);
        self.slots[page].store(Slot::new(27, 1).0, Ordering::SeqCst);
        self.slots[page].store(0, Ordering::SeqCst);
        self.free[page].store(true, Ordering::SeqCst);
    }
}

impl Pages for Busy {
    fn huge_order(&self) -> u32 {
        9
    }

    fn largest_order(&self) -> u32 {
        SMALL_CHUNK.ilog2()
    }

    fn states(&self, first: u64, count: usize, states: &mut Vec<PageState>) {
        let free = self.free.iter().skip(first as usize).take(count);
        states.extend(free.map(|it| match it.load(Ordering::SeqCst) {
            true => PageState::Free,
            false => PageState::Slab,
        }));
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
}

#[test]
fn a_look_while_pages_come_and_go_loses_none_and_accuses_none() {
    const PAGES: usize = 3 * SMALL_CHUNK;
    let machine = Busy::new(PAGES);
    let is_over = AtomicBool::new(false);
    let churn = |role: usize| {
        let pages = (0..PAGES).filter(|page| page % ROLES == role);
        pages.for_each(|page| machine.churn(page));
    };
    let mut looks = Vec::new();
    thread::scope(|scope| {
        for role in [2, 3] {
            let is_over = &is_over;
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    churn(role);
                }
            });
        }
        looks.extend((0..50).map(|_| {
            let settled = scan(&[(0, &machine.slots)], &machine, Marking::GoesOn).settle(None);
            let of = |site| settled.survivors.of(site).map(|(_, pages)| pages as usize);
            let pages = [25, 26, 27].map(|site| of(site).sum::<usize>());
            (pages, settled.missed_free_pages as usize)
        }));
        is_over.store(true, Ordering::Relaxed);
    });
    for ([stay, freed_unseen, churned], missed_frees) in looks {
        assert_eq!(
            (stay, freed_unseen, missed_frees),
            (PAGES / ROLES, 0, PAGES / ROLES)
        );
        assert!(churned <= PAGES / 2);
    }
}
