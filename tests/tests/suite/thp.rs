//! Transparent huge pages: blocks of order 9, if movable pages are asked for.

use std::io::IoSlice;

use pagetrace_tests::{
    harness::{Leaker, Site, Tracing, root_or_skip, skip},
    leaks::{Thp, huge_order},
};
use rustix::io::pwritev;

use crate::LEAK;

/// Pages taken by the leak's way of faulting memory in, and the page tables for them.
fn locked(site: &Site) -> bool {
    site.contains("mlock") && !site.in_interrupt()
}

#[test]
fn huge_pages_are_found_to_the_page() {
    const TEST: &str = "huge_pages_are_found_to_the_page";
    let Some(_machine) = root_or_skip(TEST) else {
        return;
    };
    if let Some(reason) = Thp::refusal() {
        return skip(TEST, &reason);
    }
    let order = huge_order();
    let trace = Tracing::attach(&["--scope", "all"]);
    let leak = Leaker::start(LEAK, &["thp", "--count", "16"]);
    assert_eq!(leak.announcement.pages, 16 << order);
    let report = trace.end().report;
    let mut pages = report.pages_where(locked);
    let page_tables = pages.remove(&0).unwrap_or(0);
    assert!(
        page_tables < 200,
        "{page_tables} pages, of which 16 are set aside for page tables"
    );
    assert_eq!(pages, [(order, 16 << order)].into());
    let huge = report.sites_where(|site| locked(site) && site.orders.contains_key(&order));
    assert!(
        huge.iter()
            .all(|site| site.kinds["thp"] == site.orders[&order]),
        "{huge:#?}"
    );
}

#[test]
fn large_pieces_of_a_file_are_no_huge_pages() {
    const BYTES: usize = 80 << 20;
    let Some(_machine) = root_or_skip("large_pieces_of_a_file_are_no_huge_pages") else {
        return;
    };
    let trace = Tracing::attach(&["--scope", "all", "--kind", "all"]);
    let file = tempfile::tempfile().expect("a temporary file");
    let piece = vec![0xa5; 1 << 20];
    for at in (0..BYTES).step_by(piece.len()) {
        // pwritev(2), which hardly any program uses, has a stack of its own.
        pwritev(&file, &[IoSlice::new(&piece)], at as u64).expect("room for it");
    }
    let report = trace.end().report;
    let sites = report.sites_where(|site| site.contains("pwritev") && !site.through_slab());
    let pages = |kind| sites.iter().filter_map(move |site| site.kinds.get(kind));
    assert_eq!(pages("thp").sum::<u64>(), 0, "{sites:#?}");
    assert!(
        pages("file").sum::<u64>() >= (BYTES / rustix::param::page_size()) as u64,
        "{sites:#?}"
    );
}
