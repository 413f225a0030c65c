//! Datagrams that nobody reads: as many pages as the kernel's own counters saw.

use pagetrace_tests::harness::{Leaker, Site, Tracing, root_or_skip};

use crate::LEAK;

/// Pages of any kind taken inside the leak's own way of sending, slabs included.
/// The counters leave out interrupts on top of it, so they are left out here.
fn sent(site: &Site) -> bool {
    site.contains("unix_dgram_sendmsg") && site.contains("sendmmsg") && !site.in_interrupt()
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
    assert_eq!(&report.pages_where(sent), counted);
}
