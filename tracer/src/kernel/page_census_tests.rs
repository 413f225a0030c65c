use super::*;
use crate::kernel::page_struct::sample;

/// Counts these page frames, from this one on.
fn counted(frame: u64, pages: &[Option<sample::Page>], vmalloc: &VmallocFrames) -> PageCounts {
    let layout = sample::layout();
    let mut nobody = ();
    let mut counter = PageCounter::new(&layout, vmalloc, 3, frame, &mut nobody);
    for page in pages {
        match page {
            Some(page) => counter.count(&sample::bytes(*page)),
            None => counter.absent(),
        }
    }
    counter.finish()
}

fn pages(counts: &PageCounts) -> Vec<(PageUse, u64, u8, u64)> {
    let each = counts.pages.iter();
    let mut each: Vec<_> = each
        .map(|(key, &pages)| (key.page_use, key.owner, key.order, pages))
        .collect();
    each.sort_unstable();
    assert!(counts.pages.keys().all(|key| key.node == 3));
    each
}

use sample::Page::{Free, Loose, Plain, Slab, Tail};

#[test]
fn a_block_is_as_large_as_it_has_tails() {
    let all = [Slab, Tail, Tail, Tail, Plain, Slab, Tail].map(Some);
    let counts = counted(8, &all, &VmallocFrames::default());
    let cache = sample::CACHE;
    let expected = [
        (PageUse::Slab, cache, 1, 2),
        (PageUse::Slab, cache, 2, 4),
        (PageUse::Plain, 0, 0, 1),
    ];
    assert_eq!(pages(&counts), expected);
    assert_eq!(counts.slabs, [(cache, 8..12), (cache, 13..15)]);
}

#[test]
fn what_lies_in_a_free_block_is_not_looked_at() {
    let all = [Some(Free(2)), Some(Plain), None, Some(Slab), Some(Plain)];
    let counts = counted(4, &all, &VmallocFrames::default());
    assert_eq!(
        pages(&counts),
        [(PageUse::Free, 0, 2, 4), (PageUse::Plain, 0, 0, 1)]
    );
}

#[test]
fn other_pages_of_a_plain_block_belong_to_it_as_far_as_it_can_reach() {
    // A block at page frame 6 has two pages at most.
    let all = [Plain, Loose, Loose, Plain].map(Some);
    let counts = counted(6, &all, &VmallocFrames::default());
    let expected = [
        (PageUse::Plain, 0, 0, 1),
        (PageUse::Plain, 0, 1, 2),
        (PageUse::Unreferenced, 0, 0, 1),
    ];
    assert_eq!(pages(&counts), expected);
}

#[test]
fn a_compound_page_ends_with_its_last_tail() {
    let counts = counted(
        8,
        &[Plain, Tail, Loose].map(Some),
        &VmallocFrames::default(),
    );
    let expected = [(PageUse::Plain, 0, 1, 2), (PageUse::Unreferenced, 0, 0, 1)];
    assert_eq!(pages(&counts), expected);
}

#[test]
fn a_page_that_is_on_its_way_is_no_rest_of_the_block_before_it() {
    let layout = sample::layout();
    let vmalloc = VmallocFrames::default();
    let count = |pages: [sample::Page; 4], rests: Option<&Rests>| {
        let mut nobody = ();
        let counter = PageCounter::new(&layout, &vmalloc, 3, 8, &mut nobody);
        let mut counter = counter.confirming(rests);
        for page in pages {
            counter.count(&sample::bytes(page));
        }
        counter.finish()
    };
    let first = count([Plain, Loose, Plain, Free(0)], None);
    let second = count([Plain, Loose, Plain, Loose], Some(&first.rests));
    let expected = [
        (PageUse::Plain, 0, 0, 1),
        (PageUse::Plain, 0, 1, 2),
        (PageUse::Unreferenced, 0, 0, 1),
    ];
    assert_eq!(pages(&second), expected);
}

#[test]
fn pages_of_vmalloc_are_told_and_others_stay_what_they_are() {
    let vmalloc = VmallocFrames::from_iter([(0, 77), (1, 77), (2, 88)]);
    let counts = counted(0, &[Plain, Plain, Slab].map(Some), &vmalloc);
    let expected = [
        (PageUse::Slab, sample::CACHE, 0, 1),
        (PageUse::Vmalloc, 77, 0, 2),
    ];
    assert_eq!(pages(&counts), expected);
}

#[test]
fn holes_are_counted() {
    let counts = counted(0, &[None, None, Some(Tail)], &VmallocFrames::default());
    let all: u64 = counts.pages.values().sum();
    assert_eq!(all, 3);
}
