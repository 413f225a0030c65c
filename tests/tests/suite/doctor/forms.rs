//! The forms in which a case is told, and what becomes of it elsewhere.

use pagetrace::model::{Case, Gravity, Saved as _};
use pagetrace_tests::harness::{Pagetrace, root_or_skip};
use rustix::process::Signal;

use super::{Doctor, full_pipes};

/// A case can be looked at where nothing of it can be measured.
#[test]
fn a_case_that_was_kept_is_told_again() {
    let Some(_machine) = root_or_skip("a_case_that_was_kept_is_told_again") else {
        return;
    };
    let _leak = full_pipes();
    let told = Doctor::start(1, &[]).told();
    told.is_severe(Gravity::Leak);
    let kept = told.kept();
    let report = Pagetrace::as_nobody(&["report", "-"]);
    let report = report
        .stdin(std::fs::File::open(kept).expect("it was kept").into())
        .run();
    assert_eq!(report.stdout, told.finished.stdout, "{report:#?}");
    assert_eq!(report.status.code(), Some(20));
}

#[test]
fn monitoring_gets_one_line_and_its_own_codes() {
    let test = "monitoring_gets_one_line_and_its_own_codes";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let line = |code: i32| {
        let finished = Pagetrace::new(&["doctor", "-i", "1", "--nagios"]).run();
        assert_eq!(finished.status.code(), Some(code), "{finished:#?}");
        assert_eq!(finished.stdout.lines().count(), 1, "{finished:#?}");
        finished.stdout
    };
    assert!(line(0).starts_with("PAGETRACE OK - "));
    let (_leak, count) = full_pipes();
    let critical = line(2);
    assert!(
        critical.starts_with(&format!("PAGETRACE CRITICAL - {count} pipes, leak (pid ")),
        "{critical}"
    );
    assert!(critical.trim_end().ends_with('B'), "{critical}");
    assert!(critical.contains(" | no_counter="), "{critical}");
}

/// What a case says of others stays here.
#[test]
fn a_redacted_case_has_no_addresses_and_no_arguments() {
    let test = "a_redacted_case_has_no_addresses_and_no_arguments";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    let address = listener.local_addr().expect("it is bound").to_string();
    let doctor = Doctor::start(1, &["--redact"]);
    let told = doctor.told();
    let text = std::fs::read_to_string(told.folder.path().join("case.json")).expect("written");
    assert!(!text.contains("127.0.0.1"), "an address is in it");
    assert!(text.contains("addr1"), "no address was in it");
    let port = address.rsplit(':').next().expect("a port");
    assert!(
        text.contains(&format!(":{port}")),
        "the port says what it is"
    );
    let case = Case::from_json(text.as_bytes()).expect("it is whole");
    let processes = case
        .evidence
        .after
        .processes
        .expect("they were read")
        .processes;
    assert!(processes.iter().all(|it| it.command_line.len() <= 1));
}

#[test]
fn an_interrupt_ends_the_watch_and_tells_all_the_same() {
    let test = "an_interrupt_ends_the_watch_and_tells_all_the_same";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let doctor = Doctor::start(600, &[]);
    doctor.running.signal(Signal::INT);
    let told = doctor.told();
    assert!(told.case.window_seconds.count() < 300.0);
    assert!(told.case.evidence.trace.is_some(), "{:#?}", told.finished);
    assert_eq!(told.case.looked_at.len(), 9);
}

#[test]
fn who_may_not_trace_is_told_so() {
    let finished = Pagetrace::as_nobody(&["doctor", "-i", "1", "--json", "-"]).run();
    let case = Case::from_json(finished.stdout.as_bytes()).expect("what could be seen");
    assert!(case.evidence.trace.is_none());
    let reasons: Vec<_> = case
        .evidence
        .limitations
        .iter()
        .map(|it| &it.reason)
        .collect();
    assert!(reasons.iter().any(|it| it.contains("root")), "{reasons:?}");
}

/// Nothing of another machine's case is here: that it is gone would say nothing.
#[test]
fn a_case_of_another_boot_cannot_be_verified() {
    let test = "a_case_of_another_boot_cannot_be_verified";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let told = Doctor::start(1, &[]).told();
    let here = told.case.evidence.boot_id.expect("it was read");
    let path = told.folder.path().join("case.json");
    let json = std::fs::read_to_string(&path).expect("it was written");
    let there = json.replace(&here, "0d5f2b5e-0000-4000-8000-000000000000");
    std::fs::write(&path, there).expect("our file");
    let verify = ["doctor", "--verify", path.to_str().expect("UTF-8")];
    let finished = Pagetrace::new(&verify).run();
    assert!(
        finished.refusal().contains("another machine"),
        "{finished:#?}"
    );
}

#[test]
fn what_is_no_case_cannot_be_verified() {
    let finished = Pagetrace::new(&["doctor", "--verify", "/dev/null"]).run();
    assert!(finished.refusal().contains("/dev/null"), "{finished:#?}");
}
