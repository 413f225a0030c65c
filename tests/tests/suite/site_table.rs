//! A site table that is too small loses names, never pages.

use pagetrace_tests::harness::{Leaker, Tracing, root_or_skip};

use crate::LEAK;

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
    let message = "pagetrace: the site table is full";
    assert!(outputs.stderr.contains(message), "{}", outputs.stderr);
}
