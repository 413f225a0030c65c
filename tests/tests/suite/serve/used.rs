//! Verbs that use what the service has recorded.

use pagetrace_tests::harness::{Leaker, Pagetrace, eventually, root_or_skip};

use super::service;
use crate::LEAK;

#[test]
fn doctor_begins_no_trace_of_its_own() {
    let Some(_machine) = root_or_skip("doctor_begins_no_trace_of_its_own") else {
        return;
    };
    let service = service(&[]);
    // Longer than an epoch, so that what doctor watches is a part of what it has recorded.
    eventually("the service to have a past", || {
        let lately = service.report(&["--since", "1"]);
        lately.window.recorded_before_seconds
    });
    let socket = service.socket();
    let socket = socket.to_str().expect("UTF-8");
    let leak = Leaker::start(LEAK, &["pipes", "--count", "4000", "--pages", "16"]);
    let doctor = Pagetrace::new(&["doctor", "-i", "2", "--socket", socket, "--json", "-"]).run();
    assert!(
        doctor.stderr.contains("a service records since"),
        "{}",
        doctor.stderr
    );
    let case: serde_json::Value = serde_json::from_str(&doctor.stdout).expect("JSON");
    let trace = &case["evidence"]["trace"];
    assert!(
        trace["window"]["recorded_before_seconds"].is_number(),
        "{trace}"
    );
    let pid = format!("\"pid\":{}", leak.pid());
    assert!(
        case["findings"].to_string().contains(&pid),
        "{:#}",
        case["findings"]
    );
}

#[test]
fn doctor_traces_by_itself_where_a_service_leaves_something_out() {
    let test = "doctor_traces_by_itself_where_a_service_leaves_something_out";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let service = service(&["--order", "3"]);
    let socket = service.socket();
    let socket = socket.to_str().expect("UTF-8");
    let doctor = Pagetrace::new(&["doctor", "-i", "2", "--socket", socket]).run();
    assert!(
        !doctor.stderr.contains("a service records"),
        "{}",
        doctor.stderr
    );
}

#[test]
fn mem_says_that_a_service_records() {
    let Some(_machine) = root_or_skip("mem_says_that_a_service_records") else {
        return;
    };
    let service = service(&["--no-holders"]);
    let socket = service.socket();
    let socket = socket.to_str().expect("UTF-8");
    let mem = Pagetrace::new(&["mem", "--socket", socket]).run();
    let last = mem.stdout.lines().last().unwrap_or_default();
    assert!(last.contains("`pagetrace report --live`"), "{}", mem.stdout);
    let (finished, _folder) = {
        service.signal(rustix::process::Signal::TERM);
        service.finish()
    };
    assert!(finished.status.success());
    let mem = Pagetrace::new(&["mem", "--socket", socket]).run();
    assert!(!mem.stdout.contains("report --live"), "{}", mem.stdout);
}
