//! Pages in pipes: one site of order 0, exact to the page.

use std::collections::{BTreeMap, BTreeSet};

use pagetrace_tests::harness::{Leaker, Outputs, Report, Site, Tracing, root_or_skip};

use crate::LEAK;

/// The sites of this leak alone: see `Pipe::fill`.
fn leaked(report: &Report) -> Vec<&Site> {
    report.sites_where(|site| site.contains("pipe_write") && site.contains("writev"))
}

fn unfreed_pages(sites: &[&Site]) -> u64 {
    sites.iter().map(|site| site.unfreed_pages).sum()
}

fn addresses(site: &Site) -> Vec<&str> {
    let frames = site.frames.iter();
    frames.map(|frame| frame.address.as_str()).collect()
}

fn hold_500_pipes() -> Leaker {
    let leak = Leaker::start(LEAK, &["pipes", "--count", "500", "--pages", "16"]);
    assert_eq!(leak.announcement.pages, 8000);
    leak
}

/// A trace in which 500 pipes are filled, and not let go of before its end.
/// As reports write it: 31.25 MiB, with page frames of 4 KiB.
fn as_bytes_of_8000_pages() -> String {
    let bytes = 8000 * rustix::param::page_size();
    format!("{:.2} MiB", bytes as f64 / f64::from(1 << 20))
}

fn trace_of_500_pipes(args: &[&str]) -> Outputs {
    let trace = Tracing::attach(args);
    let _leak = hold_500_pipes();
    trace.end()
}

#[test]
fn full_pipes_are_the_first_site_of_every_output() {
    let Some(_machine) = root_or_skip("full_pipes_are_the_first_site_of_every_output") else {
        return;
    };
    let outputs = trace_of_500_pipes(&[]);

    let sites = leaked(&outputs.report);
    assert_eq!(unfreed_pages(&sites), 8000, "{sites:#?}");
    for site in &sites {
        assert!(site.owner.contains("pipe_write"), "{site:#?}");
        assert_eq!(site.module, None);
        assert_eq!(site.orders, BTreeMap::from([(0, site.unfreed_pages)]));
    }
    let stacks: BTreeSet<_> = sites.iter().map(|site| addresses(site)).collect();
    assert_eq!(sites.len(), stacks.len(), "one stack is one site");

    // One entry also on Linux 7.2, which fills a pipe from two places in turns.
    let row = outputs.ranking()[0];
    assert!(row.trim().starts_with("1 "), "{row}");
    assert!(
        row.contains(&as_bytes_of_8000_pages()) && row.contains(" 8,000 "),
        "{row}"
    );
    assert!(row.contains("pipe_write"), "{row}");

    let folded = outputs.folded.largest();
    assert!(folded.contains("pipe_write"), "{folded:?}");
    assert_eq!(folded.bytes, 8000 * rustix::param::page_size() as u64);
}

#[test]
fn a_site_says_who_has_its_pages() {
    let Some(_machine) = root_or_skip("a_site_says_who_has_its_pages") else {
        return;
    };
    let trace = Tracing::attach(&["--folded-by", "holder"]);
    let leak = hold_500_pipes();
    let pid = leak.pid();
    let outputs = trace.end();
    let process = format!("500 pipes, leak (pid {pid}, fd ");
    let entry = &outputs.report.entries[0];
    let [held] = &entry.held_by[..] else {
        panic!("{entry:#?}");
    };
    assert!(held.holder.starts_with(&process), "{held:?}");
    assert_eq!(held.pages, 8000);
    let known = entry.known.as_ref().expect("pipes are known");
    assert_eq!(known.name, "pipes");
    let lines = format!("    {}\n    Holders: ", known.what);
    assert!(outputs.table.contains(&lines), "{}", outputs.table);
    let of_sites = outputs.report.sites.iter().flat_map(|site| &site.held_by);
    let of_sites = of_sites.filter(|it| it.holder.starts_with(&process));
    assert_eq!(of_sites.map(|it| it.pages).sum::<u64>(), 8000);
    let line = format!("{} held by {process}", as_bytes_of_8000_pages());
    assert!(outputs.table.contains(&line), "{}", outputs.table);
    let largest = outputs.folded.largest();
    let root = format!("500_pipes,_leak_(pid_{pid},_fd_");
    assert!(largest.contains(&root), "{largest:?}");

    let trace = Tracing::attach(&["--no-holders"]);
    let _leak = hold_500_pipes();
    let outputs = trace.end();
    assert_eq!(outputs.report.entries[0].held_by, []);
    assert!(!outputs.table.contains(" held by "), "{}", outputs.table);
}

#[test]
fn classic_tracepoints_see_the_same_pages() {
    let Some(_machine) = root_or_skip("classic_tracepoints_see_the_same_pages") else {
        return;
    };
    let outputs = trace_of_500_pipes(&["--hook", "classic"]);
    assert_eq!(unfreed_pages(&leaked(&outputs.report)), 8000);
    assert!(outputs.report.sites[0].owner.contains("pipe_write"));
}

#[test]
fn a_program_that_exits_leaves_no_site_behind() {
    let Some(_machine) = root_or_skip("a_program_that_exits_leaves_no_site_behind") else {
        return;
    };
    let trace = Tracing::attach(&[]);
    hold_500_pipes().release();
    let report = trace.end().report;
    assert!(leaked(&report).is_empty(), "{:#?}", leaked(&report));
}

#[test]
fn what_is_freed_is_only_counted() {
    let Some(_machine) = root_or_skip("what_is_freed_is_only_counted") else {
        return;
    };
    let trace = Tracing::attach(&[]);
    hold_500_pipes().release();
    let _leak = Leaker::start(LEAK, &["pipes", "--count", "2", "--pages", "16"]);
    let report = trace.end().report;
    let sites = leaked(&report);
    let allocated: u64 = sites.iter().map(|site| site.allocated_pages).sum();
    assert_eq!((unfreed_pages(&sites), allocated), (32, 8032), "{sites:#?}");
}

#[test]
fn balanced_allocations_leave_no_site_behind() {
    let Some(_machine) = root_or_skip("balanced_allocations_leave_no_site_behind") else {
        return;
    };
    let trace = Tracing::attach(&[]);
    let leak = Leaker::start(LEAK, &["balanced", "--count", "1000"]);
    assert!(!leak.announcement.held);
    let report = trace.end().report;
    assert!(leaked(&report).is_empty(), "{:#?}", leaked(&report));
}

#[test]
fn balanced_allocations_are_seen() {
    let Some(_machine) = root_or_skip("balanced_allocations_are_seen") else {
        return;
    };
    let trace = Tracing::attach(&[]);
    let _leak = Leaker::start(LEAK, &["balanced", "--count", "1000", "--keep", "3"]);
    let report = trace.end().report;
    let [site] = leaked(&report)[..] else {
        panic!("{:#?}", leaked(&report))
    };
    assert_eq!((site.unfreed_pages, site.allocated_pages), (3, 1003));
}
