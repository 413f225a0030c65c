//! Transparent huge pages: blocks of order 9, if movable pages are asked for.

use pagetrace_tests::{
    harness::{Leaker, Site, Tracing, root_or_skip, skip},
    leaks::Thp,
};

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
    let trace = Tracing::attach(&["--scope", "all"]);
    let leak = Leaker::start(LEAK, &["thp", "--count", "16"]);
    assert_eq!(leak.announcement.pages, 16 << 9);
    let report = trace.end().report;
    let mut pages = report.pages_where(locked);
    let page_tables = pages.remove(&0).unwrap_or(0);
    assert!(
        page_tables < 200,
        "{page_tables} pages, of which 16 are set aside for page tables"
    );
    assert_eq!(pages, [(9, 16 << 9)].into());
}
