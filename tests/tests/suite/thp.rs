//! Transparent huge pages: blocks of order 9, if movable pages are asked for.

use std::io::Write as _;

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
    let huge = report.sites_where(|site| locked(site) && site.orders.contains_key(&9));
    assert!(
        huge.iter().all(|site| site.kinds["thp"] == site.orders[&9]),
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
    let mut file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary file");
    file.write_all(&vec![0xa5; BYTES]).expect("room for it");
    let report = trace.end().report;
    // This thread has its own name, which no other task has.
    let name = std::thread::current().name().map(|it| it[..15].to_owned());
    let is_own = |site: &Site| {
        let task = site.first_seen.as_ref().map(|it| &it.name);
        task == name.as_ref() && site.contains("write")
    };
    let sites = report.sites_where(is_own);
    let pages = |kind| {
        sites
            .iter()
            .filter_map(|site| site.kinds.get(kind))
            .sum::<u64>()
    };
    assert_eq!(pages("thp"), 0, "{sites:#?}");
    assert!(pages("file") >= (BYTES >> 12) as u64, "{sites:#?}");
}
