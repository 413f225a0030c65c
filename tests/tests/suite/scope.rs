//! `--scope`: user memory is left out unless asked for; other movable pages are not.

use pagetrace_tests::{
    harness::{Leaker, Report, Site, Tracing, root_or_skip, skip},
    leaks::{Holder, Zram},
};
use rustix::param::page_size;

use crate::{LEAK, populated};

/// Page frames of the anonymous memory.
fn pages() -> u64 {
    (64 << 20) / page_size() as u64
}

/// Page tables for it, which have a word for each page frame.
fn tables() -> u64 {
    pages() / (page_size() as u64 / 8)
}

fn trace_of_anonymous_memory(args: &[&str]) -> Report {
    let trace = Tracing::attach(args);
    let leak = Leaker::start(LEAK, &["anon", "--mib", "64"]);
    assert_eq!(leak.announcement.pages, pages());
    trace.end().report
}

#[test]
fn anonymous_memory_is_left_out() {
    let Some(_machine) = root_or_skip("anonymous_memory_is_left_out") else {
        return;
    };
    let report = trace_of_anonymous_memory(&[]);
    assert_eq!(report.window.scope, "kernel");
    let (pages, tables) = (populated(&report), tables());
    assert!(
        (tables..tables + 168).contains(&pages),
        "{pages} pages, of which {tables} are page tables"
    );
}

#[test]
fn scope_all_has_anonymous_memory() {
    let Some(_machine) = root_or_skip("scope_all_has_anonymous_memory") else {
        return;
    };
    let report = trace_of_anonymous_memory(&["--scope", "all"]);
    assert_eq!(report.window.scope, "all");
    let (found, pages) = (populated(&report), pages());
    assert!((pages..pages + 200).contains(&found), "{found} pages");
}

/// A leak of pinned memory, the kernel's function that took it, and who has it.
const PINNED: [(&str, &str, Holder); 4] = [
    ("gift", "mlock", Holder::Gift),
    ("splice", "pwritev", Holder::Splice),
    ("io-uring", "mlock", Holder::IoUring),
    ("xdp", "mlock", Holder::Xdp),
];

#[test]
fn pinned_memory_is_in_no_counter() {
    const TEST: &str = "pinned_memory_is_in_no_counter";
    let Some(_machine) = root_or_skip(TEST) else {
        return;
    };
    for (by, function, holder) in PINNED {
        if let Some(reason) = holder.refusal() {
            skip(TEST, &reason);
            continue;
        }
        let trace = Tracing::attach(&["--scope", "all"]);
        let leak = Leaker::start(LEAK, &["pinned", "--by", by]);
        let report = trace.end().report;
        let sites = report.sites_where(|site| site.contains(function) && !site.in_interrupt());
        let pinned = sites.iter().filter_map(|site| site.kinds.get("pinned"));
        assert_eq!(
            pinned.sum::<u64>(),
            leak.announcement.pages,
            "{by}: {sites:#?}"
        );
        let ranked: u64 = sites.iter().map(|site| site.ranked_pages).sum();
        assert!(ranked >= leak.announcement.pages, "{by}: {sites:#?}");
    }
}

#[test]
fn the_report_says_that_pinned_memory_is_out_of_scope() {
    let Some(_machine) = root_or_skip("the_report_says_that_pinned_memory_is_out_of_scope") else {
        return;
    };
    let trace = Tracing::attach(&[]);
    let _leak = Leaker::start(LEAK, &["pinned", "--by", "gift"]);
    let outputs = trace.end();
    assert!(!outputs.report.totals.kinds.contains_key("pinned"));
    let says = "pinned user memory needs --scope all";
    assert!(outputs.table.contains(says), "{}", outputs.table);
}

#[test]
fn movable_pages_of_the_kernel_are_recorded() {
    const TEST: &str = "movable_pages_of_the_kernel_are_recorded";
    let Some(_machine) = root_or_skip(TEST) else {
        return;
    };
    if let Some(reason) = Zram::refusal() {
        return skip(TEST, &reason);
    }
    let trace = Tracing::attach(&[]);
    let leak = Leaker::start(LEAK, &["zram", "--mib", "16"]);
    let report = trace.end().report;
    let pages = leak.announcement.pages;
    // The disk stays unless the leak takes it away.
    leak.release();
    let compressed = |site: &Site| site.contains("zs_malloc") && !site.through_slab();
    assert_eq!(report.sum_where(compressed), pages);
    let sites = report.sites_where(compressed);
    assert!(
        sites.iter().all(|site| site.kinds.keys().eq(["raw"])),
        "{sites:#?}"
    );
}
