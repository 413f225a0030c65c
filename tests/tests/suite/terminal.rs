//! What a person at a terminal sees more: a progress bar, and colours.

use std::{fs, os::unix::fs::symlink};

use pagetrace_tests::harness::{
    Leaker, OPEN_END, Pagetrace, Report, Screen, eventually, root_or_skip,
};
use rustix::process::Signal;

use crate::LEAK;

const ESCAPE: char = '\u{1b}';

/// What a program can call itself: it would be red, and a line of its own.
const FORGED: &str = "\u{1b}[31mRED\n0 B";

/// The table of a short trace, as a terminal shows it.
fn table(environment: &[(&str, &str)]) -> String {
    let (program, mut screen) = Screen::open().expect("a terminal");
    let pagetrace = Pagetrace::new(&["-i", "1"])
        .env(environment)
        .stdout(program.into());
    let running = pagetrace.spawn();
    let text = screen.wait_for("Losses: ");
    assert!(running.finish().status.success());
    text
}

/// The last number of MiB that a progress bar shows as not freed.
fn outstanding_mib(bar: &str) -> Option<f64> {
    let (before, _) = bar.rsplit_once(" MiB not freed so far")?;
    before.rsplit(' ').next()?.parse().ok()
}

#[test]
fn a_terminal_gets_colours() {
    let Some(_machine) = root_or_skip("a_terminal_gets_colours") else {
        return;
    };
    let table = table(&[("TERM", "xterm")]);
    assert!(table.contains(ESCAPE), "{table}");
}

#[test]
fn no_color_is_honoured() {
    let Some(_machine) = root_or_skip("no_color_is_honoured") else {
        return;
    };
    let table = table(&[("TERM", "xterm"), ("NO_COLOR", "1")]);
    assert!(!table.contains(ESCAPE), "{table}");
}

#[test]
fn a_task_cannot_write_to_the_terminal_by_its_name() {
    let Some(_machine) = root_or_skip("a_task_cannot_write_to_the_terminal_by_its_name") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let forged = folder.path().join(FORGED);
    symlink(LEAK, &forged).expect("our own folder");
    let (program, mut screen) = Screen::open().expect("a terminal");
    let outputs = ["--json", "/dev/null", "-v"];
    let pagetrace = Pagetrace::new(&[&OPEN_END[..], &outputs].concat());
    let mut running = pagetrace.stdout(program.into()).spawn();
    running.wait_until_attached();
    let forged = forged.to_str().expect("it is text");
    let _leak = Leaker::start(forged, &["pipes", "--count", "100", "--pages", "16"]);
    running.signal(Signal::INT);
    let text = screen.wait_for("these took nothing");
    assert!(running.finish().status.success());
    assert!(
        text.contains(r"first by \u{1b}[31mRED\n0 B (pid "),
        "{text}"
    );
    assert!(!text.contains(FORGED) && !text.contains("\n0 B"), "{text}");
}

#[test]
fn a_terminal_gets_a_progress_bar() {
    let Some(_machine) = root_or_skip("a_terminal_gets_a_progress_bar") else {
        return;
    };
    let (program, mut screen) = Screen::open().expect("a terminal");
    let pagetrace = Pagetrace::new(&OPEN_END).env(&[("TERM", "xterm")]);
    let running = pagetrace.stderr(program.into()).spawn();
    screen.wait_for("s left, ");

    let _leak = Leaker::start(LEAK, &["pipes"]);
    eventually("31 MiB in the bar", || {
        outstanding_mib(&screen.text()).filter(|mib| *mib >= 31.25)
    });
    running.signal(Signal::INT);
    let finished = running.finish();
    assert!(finished.status.success(), "{finished:#?}");
    assert!(!finished.stdout.contains(ESCAPE), "{finished:#?}");
}

#[test]
fn a_terminal_that_goes_away_leaves_the_report() {
    let Some(_machine) = root_or_skip("a_terminal_that_goes_away_leaves_the_report") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("report.json");
    let json = path.to_str().expect("a UTF-8 path");
    let (program, mut screen) = Screen::open().expect("a terminal");
    let pagetrace = Pagetrace::new(&[&OPEN_END[..], &["--json", json]].concat());
    let pagetrace = pagetrace.env(&[("TERM", "xterm")]).stderr(program.into());
    let running = pagetrace.leading_a_session().spawn();
    screen.wait_for("s left, ");
    drop(screen);
    let finished = running.finish();
    assert!(finished.status.success(), "{finished:#?}");
    let report = fs::read_to_string(&path).expect("it was written");
    serde_json::from_str::<Report>(&report).expect("a report");
}
