//! `pagetrace -- CMD`: traces while a command runs.

use std::process::Stdio;

use pagetrace_tests::harness::{
    Pagetrace, Report, Running, Tracing, announcement, eventually, root_or_skip,
};

use crate::LEAK;

const PIPES: [&str; 6] = [LEAK, "pipes", "--count", "100", "--pages", "16"];

fn leaked_pages(report: &Report) -> u64 {
    report.sum_where(|site| site.contains("pipe_write") && site.contains("writev"))
}

/// The command inherits its stdin, so that closing that ends the leak.
fn with_open_stdin(pagetrace: Pagetrace) -> Running {
    pagetrace.stdin(Stdio::piped()).spawn()
}

/// Starts a trace of the leak, and waits until it holds its pages.
fn trace_of_pipes(args: &[&str]) -> Tracing {
    let args = [args, &["--"], &PIPES].concat();
    let mut trace = Tracing::start(&args, with_open_stdin);
    let held = eventually("the command's leak", || {
        announcement(&trace.running().stdout())
    });
    assert_eq!(held.pages, 1600);
    trace
}

#[test]
fn the_window_ends_with_the_command() {
    let Some(_machine) = root_or_skip("the_window_ends_with_the_command") else {
        return;
    };
    let mut trace = trace_of_pipes(&[]);
    trace.running().close_stdin();
    assert_eq!(leaked_pages(&trace.finish().report), 0);
}

#[test]
fn an_interrupt_ends_the_window_before_the_command() {
    let Some(_machine) = root_or_skip("an_interrupt_ends_the_window_before_the_command") else {
        return;
    };
    assert_eq!(leaked_pages(&trace_of_pipes(&[]).end().report), 1600);
}

#[test]
fn the_window_ends_before_a_command_that_goes_on() {
    let Some(_machine) = root_or_skip("the_window_ends_before_a_command_that_goes_on") else {
        return;
    };
    assert_eq!(
        leaked_pages(&trace_of_pipes(&["-i", "4"]).finish().report),
        1600
    );
}

#[test]
fn a_command_that_does_not_exist_is_refused() {
    let Some(_machine) = root_or_skip("a_command_that_does_not_exist_is_refused") else {
        return;
    };
    let finished = Pagetrace::new(&["--", "/nonexistent/command"]).run();
    assert!(
        finished.refusal().contains("/nonexistent/command"),
        "{finished:#?}"
    );
}

#[test]
fn the_exit_code_is_the_commands() {
    let Some(_machine) = root_or_skip("the_exit_code_is_the_commands") else {
        return;
    };
    for (script, code) in [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 128 + 9)] {
        let finished = Pagetrace::new(&["--", "sh", "-c", script]).run();
        assert_eq!(
            finished.status.code(),
            Some(code),
            "{script}: {finished:#?}"
        );
        assert!(
            finished.stdout.contains("recorded for"),
            "{script}: {finished:#?}"
        );
    }
}

#[test]
fn a_command_that_goes_on_has_no_exit_code() {
    let Some(_machine) = root_or_skip("a_command_that_goes_on_has_no_exit_code") else {
        return;
    };
    // Ends when the test closes its stdin.
    let script = ["-i", "1", "--", "sh", "-c", "read line; exit 7"];
    let running = with_open_stdin(Pagetrace::new(&script));
    let finished = running.finish();
    assert_eq!(finished.status.code(), Some(0), "{finished:#?}");
}
