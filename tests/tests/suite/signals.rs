//! Signals, and what is left of a tracer that got one.

use std::{fs, io::Write as _};

use pagetrace_tests::harness::{
    KernelObjects, OPEN_END, Pagetrace, Tracing, eventually, root_or_skip,
};
use rustix::{
    pipe::fcntl_getpipe_size,
    process::{Pid, Signal},
};

#[test]
fn sigint_and_sigterm_end_the_window_early() {
    let Some(_machine) = root_or_skip("sigint_and_sigterm_end_the_window_early") else {
        return;
    };
    for signal in [Signal::INT, Signal::TERM] {
        let mut trace = Tracing::attach(&[]);
        trace.running().signal(signal);
        let window = trace.finish().report.window;
        assert!(window.seconds < 600.0, "{signal:?}: {window:?}");
    }
}

#[test]
fn a_second_interrupt_aborts() {
    let Some(_machine) = root_or_skip("a_second_interrupt_aborts") else {
        return;
    };
    // Nobody reads the pipe, so the first interrupt's report cannot be written.
    let (_reader, mut stdout) = std::io::pipe().expect("a pipe");
    let room = fcntl_getpipe_size(&stdout).expect("a pipe has a size");
    stdout
        .write_all(&vec![b'\n'; room])
        .expect("an empty pipe takes its size");
    let args = [&OPEN_END[..], &["-v"]].concat();
    let mut running = Pagetrace::new(&args).stdout(stdout.into()).spawn();
    running.wait_until_attached();

    running.signal(Signal::INT);
    eventually("the report to be stuck", || {
        sleeps_in_a_pipe(running.pid()).then_some(())
    });
    running.signal(Signal::INT);
    let finished = running.finish();
    assert!(!finished.status.success(), "{finished:#?}");
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
