//! Two tracers at once: each sees all, and has its own troubles only.

use pagetrace_tests::harness::{Losses, Report, Site, Tracing, root_or_skip};

use crate::{hold_500_pipes, pages_in_pipes};

/// The reports of two traces in which 500 pipes were filled.
fn reports(args: [&[&str]; 2]) -> [Report; 2] {
    let traces = args.map(Tracing::attach);
    let _leak = hold_500_pipes();
    traces.map(|trace| trace.end().report)
}

/// Whether a tracer with room for all sites had nothing to leave out. Events that
/// an interrupt brought while its program ran are lost to a single tracer, too.
fn left_nothing_out(losses: &Losses) -> bool {
    losses.site_table_full + losses.failed_unwinds + losses.out_of_range == 0
}

#[test]
fn two_tracers_see_the_same_leak() {
    let Some(_machine) = root_or_skip("two_tracers_see_the_same_leak") else {
        return;
    };
    for hooks in [["raw", "raw"], ["raw", "tracefs"], ["tracefs", "tracefs"]] {
        let both = reports([&["--hook", hooks[0]], &["--hook", hooks[1]]]);
        for (report, hook) in both.iter().zip(hooks) {
            assert_eq!(pages_in_pipes(report), 8000, "{hook} of {hooks:?}");
            let losses = &report.losses;
            assert!(left_nothing_out(losses), "{hook} of {hooks:?}: {losses:?}");
        }
    }
}

#[test]
fn a_tracer_keeps_its_troubles_to_itself() {
    let Some(_machine) = root_or_skip("a_tracer_keeps_its_troubles_to_itself") else {
        return;
    };
    let [troubled, other] = reports([&["--max-sites", "1"], &[]]);
    assert!(troubled.losses.site_table_full > 0, "{:?}", troubled.losses);
    assert!(left_nothing_out(&other.losses), "{:?}", other.losses);
    assert_eq!(pages_in_pipes(&other), 8000);
}

#[test]
fn tables_of_another_tracer_are_no_finding() {
    let Some(_machine) = root_or_skip("tables_of_another_tracer_are_no_finding") else {
        return;
    };
    let first = Tracing::attach(&[]);
    let second = Tracing::attach(&[]);
    let report = first.end().report;
    drop(second);
    let is_seconds = |site: &Site| {
        let task = site.first_seen.as_ref();
        task.is_some_and(|task| task.name == "pagetrace") && site.contains("sys_bpf")
    };
    let sites = report.sites_where(is_seconds);
    let pages: u64 = sites.iter().map(|site| site.unfreed_pages).sum();
    // The slot table alone, of 4 bytes per page.
    assert!(
        pages * 1024 > report.host.mem_total_bytes >> 12,
        "{sites:#?}"
    );
    assert!(
        sites.iter().all(|site| site.ranked_pages == 0),
        "{sites:#?}"
    );
    // The ring buffer of samples is in no counter.
    let tracer = report.totals.kinds.get("tracer").copied();
    assert!(
        tracer.is_some_and(|pages| pages >= 256),
        "{:?}",
        report.totals
    );
}
