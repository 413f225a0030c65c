//! `--scope`: movable pages are left out unless asked for.

use pagetrace_tests::harness::{Leaker, Report, Tracing, root_or_skip};

use crate::LEAK;

const PAGES: u64 = 64 << 20 >> 12;

/// Pages taken by the leak's way of faulting memory in, and the page tables for them.
fn populated(report: &Report) -> u64 {
    report.sum_where(|site| site.contains("mlock") && !site.in_interrupt())
}

fn trace_of_anonymous_memory(args: &[&str]) -> Report {
    let trace = Tracing::attach(args);
    let leak = Leaker::start(LEAK, &["anon", "--mib", "64"]);
    assert_eq!(leak.announcement.pages, PAGES);
    trace.end().report
}

#[test]
fn anonymous_memory_is_left_out() {
    let Some(_machine) = root_or_skip("anonymous_memory_is_left_out") else {
        return;
    };
    let report = trace_of_anonymous_memory(&[]);
    assert_eq!(report.window.scope, "kernel");
    let pages = populated(&report);
    assert!(
        (32..200).contains(&pages),
        "{pages} pages, of which 32 are page tables"
    );
}

#[test]
fn scope_all_has_anonymous_memory() {
    let Some(_machine) = root_or_skip("scope_all_has_anonymous_memory") else {
        return;
    };
    let report = trace_of_anonymous_memory(&["--scope", "all"]);
    assert_eq!(report.window.scope, "all");
    let pages = populated(&report);
    assert!((PAGES..PAGES + 200).contains(&pages), "{pages} pages");
}
