//! Ring buffers of perf events: as many pages as were asked for, and one more each.

use std::collections::BTreeMap;

use pagetrace_tests::harness::{Leaker, Site, Tracing, root_or_skip};

use crate::LEAK;

/// 2^8 pages for samples and one that says where they are, eight times.
const PAGES: u64 = 8 * 257;

/// The pages of rings, without the slabs for their lists of pages and the page
/// tables that map them.
fn in_ring(site: &Site) -> bool {
    site.contains("perf_mmap")
        && site.contains("rb_alloc")
        && !site.through_slab()
        && !site.in_interrupt()
}

#[test]
fn perf_rings_are_found_to_the_page() {
    let Some(_machine) = root_or_skip("perf_rings_are_found_to_the_page") else {
        return;
    };
    let trace = Tracing::attach(&[]);
    let leak = Leaker::start(LEAK, &["perf-rings", "--count", "8", "--order", "8"]);
    assert_eq!(leak.announcement.pages, PAGES);
    let report = trace.end().report;
    assert_eq!(report.pages_where(in_ring), BTreeMap::from([(0, PAGES)]));
    for site in report.sites_where(in_ring) {
        let owner = &site.owner;
        assert!(
            owner.contains("rb_alloc") || owner.contains("perf_mmap"),
            "{owner}"
        );
    }
}
