//! `pagetrace top`: on a terminal, with a trace of its own, with a service, and of a recording.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use pagetrace_tests::harness::{
    Finished, Leaker, Pagetrace, Running, Screen, Service, eventually, root_or_skip,
};
use rustix::process::Signal;

use crate::LEAK;

const LOOK_OFTEN: [&str; 3] = ["top", "-i", "1"];

fn start(args: &[&str]) -> (Running, Screen) {
    let (program, screen) = Screen::open().expect("a terminal");
    let running = Pagetrace::new(args).on_terminal(program).spawn();
    (running, screen)
}

fn leak_500_pipes() -> Leaker {
    Leaker::start(LEAK, &["pipes", "--count", "500", "--pages", "16"])
}

/// Ended well, and left the terminal as it was.
fn assert_restored(finished: &Finished, screen: &mut Screen) {
    assert!(finished.status.success(), "{finished:#?}");
    assert!(!screen.is_alternate(), "{}", screen.shown());
    assert!(screen.has_cursor(), "{}", screen.shown());
    assert!(screen.is_cooked());
}

/// The line that shows this, once one does.
fn line(screen: &mut Screen, parts: &[&str]) -> String {
    eventually(&parts.join(" … "), || {
        let shown = screen.shown();
        let has_all = |line: &&str| parts.iter().all(|part| line.contains(part));
        shown.lines().find(has_all).map(str::to_owned)
    })
}

/// Waits for the line of the leak; others have pipes, too.
fn leak_line(screen: &mut Screen) {
    let row = line(screen, &[" MiB", "anon_pipe_write", "500 pipes"]);
    let bytes = row.split_whitespace().next();
    let mib: f64 = bytes.and_then(|it| it.parse().ok()).expect("a number");
    assert!(mib >= 31.25, "{row}");
}

#[test]
fn a_leak_is_seen_as_it_happens_and_looked_into() {
    let Some(_machine) = root_or_skip("a_leak_is_seen_as_it_happens_and_looked_into") else {
        return;
    };
    let (running, mut screen) = start(&LOOK_OFTEN);
    screen.wait_until_shown("own trace for");
    let leak = leak_500_pipes();
    leak_line(&mut screen);

    screen.press("\r");
    let detail = screen.wait_until_shown("→ anon_pipe_write");
    let holder = format!("held by 500 pipes, leak (pid {}", leak.pid());
    assert!(detail.contains(&holder), "{detail}");

    screen.press("\u{1b}");
    for (key, title, parts) in [
        ("2", " HOLDER", &["31.25 MiB", "500 pipes, leak (pid"][..]),
        ("3", " PROCESS", &["31.25 MiB", "leak (pid"]),
        ("4", "WHAT IT IS", &[" MiB", "raw"]),
    ] {
        screen.press(key);
        screen.wait_until_shown(title);
        line(&mut screen, parts);
    }
    drop(leak);
    screen.press("1");
    screen.wait_until_shown(" FUNCTION");
    eventually("the leak to go", || {
        (!screen.shown().contains("500 pipes")).then_some(())
    });
    screen.press("q");
    assert_restored(&running.finish(), &mut screen);
}

#[test]
fn a_small_terminal_and_one_that_grows() {
    let Some(_machine) = root_or_skip("a_small_terminal_and_one_that_grows") else {
        return;
    };
    let (program, mut screen) = Screen::open().expect("a terminal");
    screen.resize(20, 5).expect("our terminal");
    let args = [&LOOK_OFTEN[..], &["--kind", "all"]].concat();
    let running = Pagetrace::new(&args).on_terminal(program).spawn();
    screen.wait_until_shown("1 Sites by bytes");
    let _leak = leak_500_pipes();
    line(&mut screen, &[" MiB anon_pi"]);
    screen.resize(200, 60).expect("our terminal");
    leak_line(&mut screen);
    // Drawn again from nothing.
    screen.press("\u{c}");
    leak_line(&mut screen);
    screen.press("\u{3}");
    assert_restored(&running.finish(), &mut screen);
}

#[test]
fn signals_end_it_and_give_the_terminal_back() {
    let Some(_machine) = root_or_skip("signals_end_it_and_give_the_terminal_back") else {
        return;
    };
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let (running, mut screen) = start(&LOOK_OFTEN);
        screen.wait_until_shown("own trace for");
        running.signal(signal);
        assert_restored(&running.finish(), &mut screen);
    }
}

#[test]
fn a_terminal_that_goes_away_ends_it() {
    let Some(_machine) = root_or_skip("a_terminal_that_goes_away_ends_it") else {
        return;
    };
    let (running, mut screen) = start(&LOOK_OFTEN);
    screen.wait_until_shown("own trace for");
    drop(screen);
    let finished = running.finish();
    assert!(finished.status.success(), "{finished:#?}");

    // As `nohup` has it: no signal tells, and nothing can be written any more.
    let (program, mut screen) = Screen::open().expect("a terminal");
    let pagetrace = Pagetrace::new(&LOOK_OFTEN).on_terminal(program);
    let running = pagetrace.ignoring(Signal::HUP).spawn();
    screen.wait_until_shown("own trace for");
    drop(screen);
    let finished = running.finish();
    assert_eq!(finished.status.code(), Some(1), "{finished:#?}");
    assert!(finished.stderr.contains("terminal"), "{finished:#?}");
}

#[test]
fn a_service_is_asked_where_one_answers() {
    let Some(_machine) = root_or_skip("a_service_is_asked_where_one_answers") else {
        return;
    };
    let service = Service::start(&[]);
    let socket = service.socket();
    let socket = socket.to_str().expect("a UTF-8 path");
    let _leak = leak_500_pipes();
    let (running, mut screen) = start(&["top", "-i", "1", "--socket", socket]);
    screen.wait_until_shown("service for");
    leak_line(&mut screen);
    service.signal(Signal::TERM);
    assert!(service.finish().0.status.success());
    screen.wait_until_shown("No later look: cannot ask the service");
    screen.press("q");
    assert_restored(&running.finish(), &mut screen);
}

#[test]
fn a_recording_is_shown_again() {
    let Some(_machine) = root_or_skip("a_recording_is_shown_again") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["looks.json", "looks.json.zst"] {
        let path = folder.path().join(name);
        let file = path.to_str().expect("a UTF-8 path");
        let (running, mut screen) = start(&[&LOOK_OFTEN[..], &["--record", file]].concat());
        screen.wait_until_shown("own trace for");
        let leak = leak_500_pipes();
        leak_line(&mut screen);
        screen.press("q");
        assert_restored(&running.finish(), &mut screen);
        drop(leak);
        let mode = fs::metadata(&path)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        shown_again(file);
        refused_again(&path);
    }
}

fn shown_again(file: &str) {
    let (running, mut screen) = start(&["top", "--replay", file]);
    let first = screen.wait_until_shown("look 1 of");
    assert!(!first.contains("500 pipes"), "{first}");
    for _ in 0..100 {
        screen.press(" ");
    }
    leak_line(&mut screen);
    for _ in 0..100 {
        screen.press("\u{1b}[D");
    }
    screen.wait_until_shown("look 1 of");
    screen.press("q");
    assert_restored(&running.finish(), &mut screen);
}

/// A recording is not written over.
fn refused_again(path: &Path) {
    let before = fs::read(path).expect("it is there");
    let file = path.to_str().expect("a UTF-8 path");
    let (program, _screen) = Screen::open().expect("a terminal");
    let pagetrace = Pagetrace::new(&["top", "--record", file]).on_terminal(program);
    let finished = pagetrace.spawn().finish();
    assert_eq!(finished.status.code(), Some(1), "{finished:#?}");
    assert!(
        finished.stderr.contains("cannot record to"),
        "{finished:#?}"
    );
    assert_eq!(fs::read(path).expect("it is there"), before);
}

#[test]
fn what_is_no_terminal_is_told_what_else_there_is() {
    let finished = Pagetrace::new(&["top"]).run();
    assert!(
        finished.refusal().contains("`pagetrace report --live`"),
        "{finished:#?}"
    );
    let (program, _screen) = Screen::open().expect("a terminal");
    let pagetrace = Pagetrace::new(&["top"]).on_terminal(program);
    let finished = pagetrace.env(&[("TERM", "dumb")]).spawn().finish();
    assert!(finished.stderr.contains("TERM=dumb"), "{finished:#?}");
}
