//! Tests of the scan on a machine of a few pages.

use super::*;

/// Pages whose states are given; site 30 takes blocks of order 2, others single pages.
#[derive(Default)]
struct Machine {
    states: Vec<PageState>,
    unreferenced: u32,
}

impl Pages for Machine {
    fn states(&mut self, first: u64, count: usize) -> Vec<PageState> {
        let states = self.states.iter().skip(first as usize).take(count);
        states.copied().collect()
    }

    fn unreferenced(&mut self, first: u64) -> Option<u32> {
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

fn survivors(marked: &[(usize, u32)], machine: &mut Machine) -> (Survivors, u64) {
    scan(&slots(marked), machine).settle(Some(1))
}

fn kinds<const N: usize>(kinds: [(Kind, u64); N]) -> BTreeMap<Cell, u64> {
    kinds
        .map(|(kind, pages)| (Cell { epoch: 1, kind }, pages))
        .into()
}

#[test]
fn free_pages_are_phantoms() {
    use PageState::{Free, Slab, Unmarked};
    let mut machine = Machine {
        states: vec![Unmarked, Slab, Free, Unmarked],
        ..Machine::default()
    };
    let found = survivors(&[(0, 25), (1, 25), (2, 25), (3, 26)], &mut machine);
    let expected = BTreeMap::from([
        (25, kinds([(Kind::Raw, 1), (Kind::Slab, 1)])),
        (26, kinds([(Kind::Raw, 1)])),
    ]);
    assert_eq!(found, (expected, 1));
}

#[test]
fn the_flags_of_a_block_are_those_of_its_first_page() {
    use PageState::{Free, PageTable, Unmarked};
    let mut machine = Machine {
        states: vec![PageTable, Unmarked, Free, Unmarked, Free, Unmarked],
        ..Machine::default()
    };
    // The second block's head went and its neighbour is another's.
    let found = survivors(&[(0, 30), (1, 30), (2, 30), (5, 30)], &mut machine);
    let expected = BTreeMap::from([(30, kinds([(Kind::PageTable, 2), (Kind::Raw, 1)]))]);
    assert_eq!(found, (expected, 1));
}

#[test]
fn a_page_that_nobody_holds_is_free_if_a_lost_free_explains_it() {
    let mut machine = Machine {
        states: vec![PageState::Unmarked; 3],
        unreferenced: 0b110,
    };
    let marked = [(0, 25), (1, 25), (2, 25)];
    let mut settled = |lost| scan(&slots(&marked), &mut machine).settle(lost);
    let all = BTreeMap::from([(25, kinds([(Kind::Raw, 3)]))]);
    let one = BTreeMap::from([(25, kinds([(Kind::Raw, 1)]))]);
    assert_eq!(settled(Some(1)), (all, 0));
    assert_eq!(settled(Some(2)), (one.clone(), 2));
    assert_eq!(settled(None), (one, 2));
}

#[test]
fn a_block_is_held_by_its_first_page() {
    let settled = |unreferenced| {
        let mut machine = Machine {
            states: vec![PageState::Unmarked; 4],
            unreferenced,
        };
        let marked = [(0, 30), (1, 30), (2, 30), (3, 30)];
        scan(&slots(&marked), &mut machine).settle(Some(1))
    };
    // Its other pages have no references of their own.
    assert_eq!(settled(0b1110).1, 0);
    // One lost free explains a whole block.
    assert_eq!(settled(0b1111), (Survivors::new(), 4));
}

#[test]
fn pages_beyond_the_first_chunk_are_found() {
    let at = CHUNK_SLOTS * 2 + 7;
    let mut machine = Machine {
        states: vec![PageState::Slab; at + 1],
        ..Machine::default()
    };
    let (survivors, _) = survivors(&[(at, 25)], &mut machine);
    assert_eq!(survivors[&25], kinds([(Kind::Slab, 1)]));
}

#[test]
fn without_page_flags_nothing_is_dropped() {
    let scan = scan(&slots(&[(3, 25)]), &mut Machine::default());
    assert!(scan.is_unverified());
    let (survivors, phantoms) = scan.settle(Some(0));
    assert_eq!(survivors[&25], kinds([(Kind::Unverified, 1)]));
    assert_eq!(phantoms, 0);
}

#[test]
fn an_empty_table_has_none() {
    assert_eq!(survivors(&[], &mut Machine::default()).0, Survivors::new());
}
