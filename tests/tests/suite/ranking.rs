//! `--top`, `--by`, `--sort` and `--min-age`: which sites come, and in which order, in a trace and
//! in a look at what one has saved.

use std::time::Duration;

use pagetrace_tests::harness::{
    Entry, Leaker, Outputs, Report, Site, Tracing, let_pass, root_or_skip,
};

use crate::LEAK;

fn hold_pipes() -> Leaker {
    Leaker::start(LEAK, &["pipes", "--count", "100", "--pages", "16"])
}

fn hold_ring(blocks: &str) -> Leaker {
    Leaker::start(LEAK, &["packet-ring", "--blocks", blocks, "--order", "2"])
}

/// One site, or two halves on Linux 7.2, which fills a pipe from two places in turns.
fn is_pipes(site: &Site) -> bool {
    site.contains("pipe_write") && site.contains("writev")
}

fn is_ring(site: &Site) -> bool {
    site.contains("packet_set_ring") && !site.through_slab()
}

fn only_ring(report: &Report) -> &Site {
    let sites = report.sites_where(is_ring);
    let [site] = sites[..] else {
        panic!("not one site: {sites:#?}")
    };
    site
}

fn trace_of_both(args: &[&str]) -> Outputs {
    let trace = Tracing::attach(args);
    // Less than half of the pages in pipes, which may be two sites: see `is_pipes`.
    let _leaks = (hold_pipes(), hold_ring("150"));
    trace.end()
}

#[test]
fn the_largest_site_comes_first() {
    let Some(_machine) = root_or_skip("the_largest_site_comes_first") else {
        return;
    };
    for sort in ["bytes", "pages"] {
        let report = trace_of_both(&["--sort", sort]).report;
        let entries = &report.entries;
        let in_order = entries.is_sorted_by(|a, b| a.pages >= b.pages);
        assert!(in_order, "{sort}: {entries:#?}");
        assert!(is_pipes(&report.sites[0]), "{:#?}", report.sites[0]);
    }
}

#[test]
fn growth_ranks_what_goes_on_before_what_happened_once() {
    let Some(_machine) = root_or_skip("growth_ranks_what_goes_on_before_what_happened_once") else {
        return;
    };
    let trace = Tracing::attach(&["--sort", "growth"]);
    let _burst = hold_pipes();
    let steady: Vec<_> = (0..20)
        .map(|_| {
            let_pass(Duration::from_millis(100));
            hold_ring("5")
        })
        .collect();
    let report = trace.end().report;
    let growth = |entry: &Entry| entry.growth_bytes_per_second;
    let in_order = report.entries.is_sorted_by(|a, b| growth(a) >= growth(b));
    assert!(in_order, "{:#?}", report.entries);
    let (bursts, ring) = (report.sites_where(is_pipes), only_ring(&report));
    assert_eq!(ring.unfreed_pages, steady.len() as u64 * 20);
    let ring = report.entry(ring);
    assert!(growth(ring) > 0, "{ring:#?}");
    let verdict = |entry: &Entry| entry.growth.as_ref().map(|it| it.verdict.clone());
    // The window may be too short to tell.
    let ring_verdict = verdict(ring).expect("it is among the first");
    let is_fair = ["growing", "undecided"].contains(&ring_verdict.as_str());
    assert!(is_fair, "{ring:#?}");
    assert!(!bursts.is_empty());
    for burst in bursts.into_iter().map(|site| report.entry(site)) {
        assert!(burst.pages > ring.pages);
        assert!(ring.rank < burst.rank, "{ring:#?}\n{burst:#?}");
        assert_ne!(verdict(burst).as_deref(), Some("growing"), "{burst:#?}");
    }
}

#[test]
fn top_limits_the_table_and_nothing_else() {
    let Some(_machine) = root_or_skip("top_limits_the_table_and_nothing_else") else {
        return;
    };
    for (top, rows) in [("1", 1), ("2", 2), ("0", 0)] {
        let outputs = trace_of_both(&["--top", top]);
        assert_eq!(outputs.ranking().len(), rows, "{}", outputs.table);
        assert!(
            outputs.report.sites.len() > 2,
            "all sites are in the document"
        );
    }
}

#[test]
fn young_pages_are_left_out() {
    let Some(_machine) = root_or_skip("young_pages_are_left_out") else {
        return;
    };
    let trace = Tracing::attach(&["--min-age", "3"]);
    let _old = hold_pipes();
    let_pass(Duration::from_secs(4));
    let _young = hold_ring("300");
    let report = trace.end().report;
    let pipes: u64 = report
        .sites_where(is_pipes)
        .iter()
        .map(|it| it.ranked_pages)
        .sum();
    assert_eq!(pipes, 1600);
    // They are in the report, which may be asked for younger pages later.
    assert_eq!(only_ring(&report).ranked_pages, 0);
    assert!(
        report.totals.too_young_pages >= 300 << 2,
        "{:?}",
        report.totals
    );
}

#[test]
fn the_histogram_runs_from_old_to_new() {
    let Some(_machine) = root_or_skip("the_histogram_runs_from_old_to_new") else {
        return;
    };
    let trace = Tracing::attach(&[]);
    let _old = hold_pipes();
    let_pass(Duration::from_secs(2));
    let _new = hold_ring("300");
    let report = trace.end().report;
    let first = |site: &Site| {
        let ages = &report.entry(site).age_histogram;
        ages.iter().position(|age| age.pages > 0)
    };
    let (olds, new) = (report.sites_where(is_pipes), only_ring(&report));
    assert!(!olds.is_empty());
    for old in olds {
        assert!(first(old) < first(new), "{old:#?}\n{new:#?}");
    }
}

#[test]
fn what_is_taken_in_the_drain_is_not_recorded() {
    let Some(_machine) = root_or_skip("what_is_taken_in_the_drain_is_not_recorded") else {
        return;
    };
    let trace = Tracing::start(&["-i", "60", "--drain", "99"], |pagetrace| {
        pagetrace.spawn()
    });
    let_pass(Duration::from_secs(2));
    let _late = hold_pipes();
    let report = trace.end().report;
    assert!(report.sites_where(is_pipes).is_empty());
    assert!(report.window.drain_seconds > 0.0, "{:?}", report.window);
}
