//! A site table that is too small loses names, never pages.

use pagetrace_tests::harness::{Leaker, Tracing, eventually, root_or_skip};

use crate::LEAK;

const MESSAGE: &str = "pagetrace: the site table is full";

#[test]
fn a_full_site_table_keeps_the_sum() {
    let Some(_machine) = root_or_skip("a_full_site_table_keeps_the_sum") else {
        return;
    };
    let trace = Tracing::attach(&["--max-sites", "1"]);
    let _pipes = Leaker::start(LEAK, &["pipes", "--count", "500", "--pages", "16"]);
    let _ring = Leaker::start(LEAK, &["packet-ring", "--blocks", "64", "--order", "4"]);
    let outputs = trace.end();
    let report = &outputs.report;

    let named = report.sites_where(|site| !site.frames.is_empty());
    assert!(named.len() <= 1, "{named:#?}");
    let full = report.sites_where(|site| site.owner == "[site table full]");
    let [full] = full[..] else {
        panic!("{:#?}", report.sites)
    };
    // Whoever came first has the only name; at least one of the leaks has none.
    assert!(full.unfreed_pages >= 64 << 4, "{full:#?}");
    assert!(report.totals.unfreed_pages >= 8000 + (64 << 4));
    assert!(report.losses.site_table_full > 0);
    // Every page is counted: only who took it is not known.
    assert!(
        !outputs.table.contains("of the events were lost"),
        "{}",
        outputs.table
    );
    assert!(
        outputs.table.contains("of the pages below have no stack"),
        "{}",
        outputs.table
    );
    assert!(outputs.stderr.contains(MESSAGE), "{}", outputs.stderr);
}

#[test]
fn what_comes_after_the_sixteenth_site_has_its_bytes_and_no_name() {
    let Some(_machine) =
        root_or_skip("what_comes_after_the_sixteenth_site_has_its_bytes_and_no_name")
    else {
        return;
    };
    let mut trace = Tracing::attach(&["--max-sites", "16"]);
    eventually("the site table to fill up", || {
        // Forks, files and sockets: on every kernel more than sixteen stacks.
        drop(Leaker::start(LEAK, &["churn", "--seconds", "1"]));
        trace.running().stderr().contains(MESSAGE).then_some(())
    });
    let _ring = Leaker::start(LEAK, &["packet-ring", "--blocks", "3", "--order", "9"]);
    let report = trace.end().report;

    let named = report.sites_where(|site| !site.frames.is_empty());
    assert!(named.len() <= 16, "{named:#?}");
    assert!(!named.iter().any(|site| site.contains("packet_set_ring")));
    let full = report.sites_where(|site| site.owner == "[site table full]");
    let [full] = full[..] else {
        panic!("{:#?}", report.sites)
    };
    assert_eq!(full.orders.get(&9), Some(&(3 << 9)), "{full:#?}");
    let named: u64 = named.iter().map(|site| site.unfreed_pages).sum();
    assert_eq!(report.totals.unfreed_pages, named + full.unfreed_pages);
}
