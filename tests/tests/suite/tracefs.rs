//! What is in tracefs is found wherever that is mounted, or not.

use std::fs;

use pagetrace_tests::harness::{OPEN_END, Pagetrace, TracefsMount, Tracing, root_or_skip};

use crate::{hold_500_pipes, pages_in_pipes};

/// Starts a trace on a machine with that mount.
fn trace(tracefs: TracefsMount, args: &[&str]) -> Tracing {
    let args = [&OPEN_END, args].concat();
    Tracing::start(&args, |pagetrace| pagetrace.with_tracefs(tracefs).spawn())
}

fn works_everywhere(args: &[&str]) {
    for tracefs in TracefsMount::ALL {
        let trace = trace(tracefs, args);
        let _leak = hold_500_pipes();
        let report = trace.end().report;
        assert_eq!(pages_in_pipes(&report), 8000, "{tracefs:?}");
    }
}

#[test]
fn gfp_flags_are_known_wherever_tracefs_is() {
    let Some(_machine) = root_or_skip("gfp_flags_are_known_wherever_tracefs_is") else {
        return;
    };
    works_everywhere(&["--gfp", "GFP_KERNEL,!zero"]);
}

#[test]
fn tracefs_tracepoints_work_wherever_tracefs_is() {
    let Some(_machine) = root_or_skip("tracefs_tracepoints_work_wherever_tracefs_is") else {
        return;
    };
    works_everywhere(&["--hook", "tracefs"]);
}

#[test]
fn check_finds_tracefs_tracepoints_wherever_tracefs_is() {
    let Some(_machine) = root_or_skip("check_finds_tracefs_tracepoints_wherever_tracefs_is") else {
        return;
    };
    for tracefs in TracefsMount::ALL {
        let finished = Pagetrace::new(&["check"]).with_tracefs(tracefs).run();
        let line = finished
            .stdout
            .lines()
            .find(|line| line.contains("tracefs tracepoints"));
        let is_ok = line.is_some_and(|line| line.starts_with("ok "));
        assert!(is_ok, "{tracefs:?}: {finished:#?}");
    }
}

#[test]
fn tracefs_stays_where_it_was() {
    let Some(_machine) = root_or_skip("tracefs_stays_where_it_was") else {
        return;
    };
    let mut trace = trace(
        TracefsMount::Nowhere,
        &["--hook", "tracefs", "--gfp", "zero"],
    );
    let mounts = fs::read_to_string(format!("/proc/{}/mountinfo", trace.running().pid()));
    let mounts = mounts.expect("our child");
    assert!(!mounts.contains(" - tracefs "), "{mounts}");
}
