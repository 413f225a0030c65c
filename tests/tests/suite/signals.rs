//! Signals, and what is left of a tracer that got one.

use std::{
    fs,
    io::{PipeReader, Read as _, Write as _},
    path::Path,
    time::{Duration, Instant},
};

use fastrand::Rng;
use pagetrace_tests::harness::{
    KernelObjects, OPEN_END, Outputs, Pagetrace, Report, Running, Tracing, eventually, let_pass,
    root_or_skip, seed,
};
use rustix::{
    pipe::fcntl_getpipe_size,
    process::{Pid, Signal},
};

use crate::{LEAK, hold_500_pipes, pages_in_pipes};

#[test]
fn sigint_sigterm_and_sighup_end_the_window_early() {
    let Some(_machine) = root_or_skip("sigint_sigterm_and_sighup_end_the_window_early") else {
        return;
    };
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut trace = Tracing::attach(&[]);
        trace.running().signal(signal);
        let window = trace.finish().report.window;
        assert!(window.seconds() < 600.0, "{signal:?}: {window:?}");
    }
}

/// Starts a trace whose table cannot be written, since nobody reads the pipe.
fn trace_without_reader(args: &[&str]) -> (PipeReader, Running) {
    let (reader, mut stdout) = std::io::pipe().expect("a pipe");
    let room = fcntl_getpipe_size(&stdout).expect("a pipe has a size");
    stdout
        .write_all(&vec![b'\n'; room])
        .expect("an empty pipe takes its size");
    let args = [args, &["-v"]].concat();
    let mut running = Pagetrace::new(&args).stdout(stdout.into()).spawn();
    running.wait_until_attached();
    (reader, running)
}

fn wait_until_stuck(running: &Running) {
    eventually("the report to be stuck", || {
        sleeps_in_a_pipe(running.pid()).then_some(())
    });
}

#[test]
fn a_second_interrupt_aborts() {
    let Some(_machine) = root_or_skip("a_second_interrupt_aborts") else {
        return;
    };
    let (_reader, running) = trace_without_reader(&OPEN_END);
    running.signal(Signal::INT);
    wait_until_stuck(&running);
    running.signal(Signal::INT);
    let finished = running.finish();
    assert!(!finished.status.success(), "{finished:#?}");
}

#[test]
fn an_interrupt_after_the_window_aborts() {
    let Some(_machine) = root_or_skip("an_interrupt_after_the_window_aborts") else {
        return;
    };
    let (_reader, running) = trace_without_reader(&["-i", "1"]);
    wait_until_stuck(&running);
    running.signal(Signal::INT);
    let finished = running.finish();
    assert!(!finished.status.success(), "{finished:#?}");
}

/// The kernel tells the foreground tasks of a terminal that it is gone, and so does their shell.
#[test]
fn a_second_hang_up_does_nothing() {
    let Some(_machine) = root_or_skip("a_second_hang_up_does_nothing") else {
        return;
    };
    let (mut reader, running) = trace_without_reader(&OPEN_END);
    running.signal(Signal::HUP);
    wait_until_stuck(&running);
    running.signal(Signal::HUP);
    let mut table = String::new();
    reader.read_to_string(&mut table).expect("a table");
    assert!(table.contains("recorded for"), "{table}");
    let finished = running.finish();
    assert!(finished.status.success(), "{finished:#?}");
}

#[test]
fn an_ignored_hang_up_stays_ignored() {
    let Some(_machine) = root_or_skip("an_ignored_hang_up_stays_ignored") else {
        return;
    };
    let mut trace = Tracing::start(&OPEN_END, |it| it.ignoring(Signal::HUP).spawn());
    trace.running().signal(Signal::HUP);
    let _leak = hold_500_pipes();
    assert_eq!(pages_in_pipes(&trace.end().report), 8000);
}

/// Whether some thread waits for room in a pipe.
fn sleeps_in_a_pipe(pid: Pid) -> bool {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("our child");
    let places = tasks
        .flatten()
        // Not wchan, which most kernels before 5.16 leave empty.
        .map(|task| fs::read_to_string(task.path().join("stack")));
    places.flatten().any(|place| place.contains("pipe_write"))
}

#[test]
fn kill_leaves_nothing_in_the_kernel() {
    let Some(_machine) = root_or_skip("kill_leaves_nothing_in_the_kernel") else {
        return;
    };
    for hook in ["raw", "classic"] {
        let before = KernelObjects::now();
        let args = [&OPEN_END[..], &["-v", "--hook", hook]].concat();
        let mut running = Pagetrace::new(&args).spawn();
        running.wait_until_attached();
        let loaded = before.since();
        assert!(
            !loaded.programs.is_empty() && !loaded.maps.is_empty(),
            "{hook}: {loaded:?}"
        );

        running.signal(Signal::KILL);
        assert!(!running.finish().status.success());
        eventually("the kernel to unload all of it", || {
            (loaded.remaining() == KernelObjects::default()).then_some(())
        });
    }
}

/// How long a short trace lives, from before it loads anything to after its report.
fn lifetime(args: &[&str]) -> Duration {
    let start = Instant::now();
    let finished = Pagetrace::new(args).run();
    assert!(finished.status.success(), "{finished:#?}");
    start.elapsed()
}

/// Kills a trace that is so old. It may have ended just before.
fn kill_after(age: Duration, args: &[&str]) {
    let running = Pagetrace::new(args).spawn();
    let_pass(age);
    running.signal(Signal::KILL);
    running.finish();
}

/// Whether there is a whole report, or none.
fn is_whole_or_absent(report: &Path) -> bool {
    fs::read_to_string(report).map_or(true, |text| serde_json::from_str::<Report>(&text).is_ok())
}

#[test]
fn kill_at_any_moment_leaves_nothing_in_the_kernel() {
    let test = "kill_at_any_moment_leaves_nothing_in_the_kernel";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    const MOMENTS: u32 = 10;
    let mut rng = Rng::with_seed(seed(test));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let json = folder.path().join("report.json");
    let path = json.to_str().expect("a UTF-8 path");
    for hook in ["raw", "classic"] {
        // A window of no length, so that most moments are before or after it.
        let args = [
            "--hook", hook, "--json", path, "--", LEAK, "balanced", "--count", "1",
        ];
        let part = lifetime(&args) / MOMENTS;
        for moment in 0..MOMENTS {
            // A new file and one in place of another take different ways.
            if moment % 2 == 0 {
                fs::remove_file(&json).ok();
            }
            let before = KernelObjects::now();
            kill_after(part * moment + part.mul_f64(rng.f64()), &args);
            eventually("the kernel to unload all of it", || {
                (before.since() == KernelObjects::default()).then_some(())
            });
            assert!(is_whole_or_absent(&json), "moment {moment} of {hook}");
        }
        lifetime(&args);
        let left = fs::read_dir(&folder).expect("our folder").flatten();
        let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
        assert_eq!(left, ["report.json"], "{hook}");
    }
}

/// Whether the process is stopped, by the letter that follows its name in brackets.
fn is_stopped(running: &Running) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", running.pid())).expect("our child");
    let state = stat.rsplit_once(") ").map(|(_, state)| state);
    state.expect("a name in brackets").starts_with('T')
}

/// A trace that is stopped for five seconds, in which 500 pipes are filled, and
/// then ended as `end` says.
fn trace_stopped_for_5_s(args: &[&str], end: impl FnOnce(Tracing) -> Outputs) -> Outputs {
    let mut trace = Tracing::start(args, Pagetrace::spawn);
    trace.running().signal(Signal::STOP);
    eventually("pagetrace to stop", || {
        is_stopped(trace.running()).then_some(())
    });
    let start = Instant::now();
    let _leak = hold_500_pipes();
    let_pass(Duration::from_secs(5).saturating_sub(start.elapsed()));
    trace.running().signal(Signal::CONT);
    end(trace)
}

#[test]
fn a_tracer_that_was_stopped_missed_nothing() {
    let Some(_machine) = root_or_skip("a_tracer_that_was_stopped_missed_nothing") else {
        return;
    };
    let start = Instant::now();
    let report = trace_stopped_for_5_s(&OPEN_END, Tracing::end).report;
    let window = 5.0..start.elapsed().as_secs_f64();
    assert!(
        window.contains(&report.window.seconds()),
        "{:?}",
        report.window
    );
    assert_eq!(pages_in_pipes(&report), 8000);
}

#[test]
fn a_window_that_ended_while_stopped_still_has_its_drain() {
    let Some(_machine) = root_or_skip("a_window_that_ended_while_stopped_still_has_its_drain")
    else {
        return;
    };
    let start = Instant::now();
    let report = trace_stopped_for_5_s(&["-i", "3"], Tracing::finish).report;
    let window = 5.0..start.elapsed().as_secs_f64();
    assert!(
        window.contains(&report.window.seconds()),
        "{:?}",
        report.window
    );
    // As long as it was meant to be: a fifth of three seconds.
    assert!(report.window.drain_seconds >= 0.6, "{:?}", report.window);
    assert_eq!(pages_in_pipes(&report), 8000);
}
