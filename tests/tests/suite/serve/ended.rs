//! How services begin and end: one at a time, whatever became of the one before.

use std::{fs, os::unix::net::UnixListener};

use pagetrace_tests::harness::{Pagetrace, Service, root_or_skip};
use rustix::process::Signal;

use super::service;

#[test]
fn a_signal_ends_it_and_leaves_nothing() {
    let Some(_machine) = root_or_skip("a_signal_ends_it_and_leaves_nothing") else {
        return;
    };
    let service = service(&["--no-holders"]);
    service.signal(Signal::HUP);
    assert_eq!(
        service.report(&[]).schema,
        "pagetrace.report/2",
        "SIGHUP is no end"
    );
    service.signal(Signal::TERM);
    let (finished, folder) = service.finish();
    assert!(finished.status.success(), "{finished:#?}");
    let said = finished.stderr.contains("ended; what was recorded in ");
    assert!(said, "{finished:#?}");
    let left = fs::read_dir(&folder).expect("it is there").count();
    assert_eq!(left, 0, "the socket's name is gone");
}

#[test]
fn a_second_service_is_refused_and_a_killed_one_replaced() {
    let Some(_machine) = root_or_skip("a_second_service_is_refused_and_a_killed_one_replaced")
    else {
        return;
    };
    let service = service(&["--no-holders"]);
    let socket = service.socket();
    let socket = socket.to_str().expect("UTF-8");
    let second = Pagetrace::new(&["serve", "--socket", socket]).run();
    assert!(!second.status.success());
    assert!(
        second.stderr.contains("another service answers there"),
        "{}",
        second.stderr
    );
    service.signal(Signal::KILL);
    let (_, folder) = service.finish();
    assert_eq!(fs::read_dir(&folder).expect("it is there").count(), 1);
    let third = Service::start(&["--no-holders"]);
    drop(third);
    let again = Pagetrace::new(&["report", "--live", "--socket", socket]).run();
    assert!(!again.status.success());
    assert!(again.stderr.contains("nobody answers"), "{}", again.stderr);
}

#[test]
fn a_stale_socket_gives_way_and_a_file_does_not() {
    let Some(_machine) = root_or_skip("a_stale_socket_gives_way_and_a_file_does_not") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("socket");
    let path = path.to_str().expect("UTF-8");
    // Bound by somebody who is gone.
    drop(UnixListener::bind(path).expect("a fresh name"));
    let mut running = Pagetrace::new(&["serve", "--socket", path, "--no-holders"]).spawn();
    pagetrace_tests::harness::eventually("the service to record", || {
        assert!(!running.has_ended(), "{}", running.stderr());
        running.stderr().contains("recording").then_some(())
    });
    let said = running.stderr();
    assert!(
        said.contains("a service was killed; what it recorded since 20"),
        "{said}"
    );
    running.signal(Signal::INT);
    assert!(running.finish().status.success());
    fs::write(path, "precious").expect("there is room");
    let refused = Pagetrace::new(&["serve", "--socket", path]).run();
    assert!(
        !refused.status.success() && refused.stderr.contains("no socket"),
        "{refused:#?}"
    );
    assert_eq!(fs::read_to_string(path).expect("it is there"), "precious");
}

#[test]
fn without_a_service_the_way_is_shown() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let socket = folder.path().join("nobody");
    let socket = socket.to_str().expect("UTF-8");
    let asked = Pagetrace::new(&["report", "--live", "--socket", socket]).run();
    assert!(!asked.status.success());
    assert!(
        asked.stderr.contains("`pagetrace serve`"),
        "{}",
        asked.stderr
    );
}
