//! TCP streams that nobody reads: as many blocks as the bytes fill.

use std::collections::BTreeMap;

use pagetrace_tests::harness::{Leaker, Site, Tracing, root_or_skip};

use crate::LEAK;

/// 50 connections, 8 blocks in each, 8 pages in each block.
const PAGES: u64 = 50 * 8 * 8;

/// The blocks that the bytes lie in, sent as the leak sends them.
fn sent(site: &Site) -> bool {
    site.contains("tcp_sendmsg")
        && site.contains("sendmmsg")
        && site.contains("page_frag_refill")
        && !site.in_interrupt()
}

fn hold_streams() -> Leaker {
    let leak = Leaker::start(LEAK, &["tcp", "--connections", "50", "--blocks", "8"]);
    assert_eq!(leak.announcement.pages, PAGES);
    leak
}

#[test]
fn unread_streams_are_found_to_the_page() {
    let Some(_machine) = root_or_skip("unread_streams_are_found_to_the_page") else {
        return;
    };
    let trace = Tracing::attach(&[]);
    let _leak = hold_streams();
    let report = trace.end().report;
    assert_eq!(report.pages_where(sent), BTreeMap::from([(3, PAGES)]));
    for site in report.sites_where(sent) {
        assert!(site.owner.contains("tcp_sendmsg"), "{}", site.owner);
    }
}
