//! A service that records without end: what it answers while it goes on, and how it ends.

mod asked;
mod cases;
mod ended;
mod sites;
mod used;

use pagetrace_tests::harness::{Report, Service, root_or_skip};

use crate::{hold_500_pipes, pages_in_pipes};

/// A service without metrics of its own, so that nothing but the test is asked of it.
fn service(args: &[&str]) -> Service {
    Service::start(&[&["--every", "3600"], args].concat())
}

#[test]
fn a_leak_that_began_before_anyone_looked_is_named_to_the_page() {
    let test = "a_leak_that_began_before_anyone_looked_is_named_to_the_page";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let service = service(&[]);
    let leak = hold_500_pipes();
    let report = service.report(&[]);
    assert_eq!(pages_in_pipes(&report), 8000, "{report:#?}");
    let first = &report.entries[0];
    assert!(first.owner.contains("pipe_write"), "{first:#?}");
    let pid = format!("pid {}", leak.pid());
    let holders: Vec<_> = first.held_by.iter().map(|it| &it.holder).collect();
    assert!(holders.iter().any(|it| it.contains(&pid)), "{holders:?}");
    // What was given back is in no report any more, and nothing was lost over it.
    leak.release();
    let report = service.report(&[]);
    assert_eq!(pages_in_pipes(&report), 0);
    assert_eq!(report.losses.lost_events(), 0, "{:?}", report.losses);
}

#[test]
fn the_last_seconds_are_not_the_time_before() {
    let Some(_machine) = root_or_skip("the_last_seconds_are_not_the_time_before") else {
        return;
    };
    let service = service(&[]);
    let _old = hold_500_pipes();
    // An epoch has 2 s, and a window begins with one.
    let aged = || Some(service.report(&["--since", "1"])).filter(|it| pages_in_pipes(it) == 0);
    let report: Report = pagetrace_tests::harness::eventually("the leak to be old", aged);
    let before = report
        .window
        .recorded_before_seconds
        .expect("it has a past");
    assert!(
        before > 0.0 && report.window.record_seconds < 10.0,
        "{:?}",
        report.window
    );
    let _new = hold_500_pipes();
    assert_eq!(pages_in_pipes(&service.report(&["--since", "1"])), 8000);
    assert_eq!(pages_in_pipes(&service.report(&["--since", "1h"])), 16_000);
    assert_eq!(pages_in_pipes(&service.report(&[])), 16_000);
}
