//! Datagrams that nobody reads: as many pages as the kernel's own counters saw.

use std::collections::BTreeMap;

use pagetrace_tests::{
    announcement::PagesByOrder,
    harness::{Leaker, Report, Site, Tracing, root_or_skip},
};

use crate::LEAK;

/// Pages of any kind taken inside the leak's own way of sending, slabs included.
/// The counters leave out interrupts on top of it, so they are left out here.
fn sent(site: &Site) -> bool {
    site.contains("unix_dgram_sendmsg") && site.contains("sendmmsg") && !site.in_interrupt()
}

fn pages_by_order(report: &Report) -> PagesByOrder {
    let mut pages = BTreeMap::new();
    for (order, more) in report
        .sites_where(sent)
        .into_iter()
        .flat_map(|site| &site.orders)
    {
        *pages.entry(*order).or_default() += more;
    }
    pages
}

#[test]
fn datagrams_take_what_the_kernel_counted() {
    let Some(_machine) = root_or_skip("datagrams_take_what_the_kernel_counted") else {
        return;
    };
    let trace = Tracing::attach(&[]);
    let leak = Leaker::start(LEAK, &["unix-dgrams", "--count", "200", "--size", "32768"]);
    let report = trace.end().report;
    let counted = leak
        .announcement
        .counted
        .as_ref()
        .expect("this leak is counted");
    assert!(leak.announcement.pages >= 200 * 8, "{counted:?}");
    assert_eq!(&pages_by_order(&report), counted);
}
