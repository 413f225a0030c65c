//! Outputs that take nothing: one sentence, and what was there before stays.

use std::{
    fs::{self, OpenOptions},
    io::Read as _,
    os::fd::RawFd,
};

use pagetrace_tests::harness::{Finished, FullDisk, Leaker, OPEN_END, Pagetrace, root_or_skip};
use rustix::process::{Resource, Signal};

use crate::LEAK;

const NO_ROOM: &str = "No space left";

/// Runs a trace that finds something, so that each format has something to write.
fn trace(args: &[&str], on: impl FnOnce(Pagetrace) -> Pagetrace) -> Finished {
    let args = [&OPEN_END[..], &["-v"], args].concat();
    let mut running = on(Pagetrace::new(&args)).spawn();
    running.wait_until_attached();
    let _leak = Leaker::start(LEAK, &["pipes", "--count", "1", "--pages", "1"]);
    running.signal(Signal::INT);
    running.finish()
}

/// Runs a trace that writes with `option` to `name` on a full disk that holds a
/// file `old`, and gives the disk.
fn write_to_full_disk(option: &str, name: &str) -> FullDisk {
    let disk = FullDisk::holding("old");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    let path = path.to_str().expect("a UTF-8 path");
    let finished = trace(&[option, path], |it| it.with_disk(&disk, folder.path()));
    assert_eq!(finished.status.code(), Some(1), "{finished:#?}");
    let complaint = finished.complaint();
    assert!(complaint.contains(NO_ROOM), "{finished:#?}");
    assert!(complaint.contains(path), "{finished:#?}");
    disk
}

#[test]
fn a_full_disk_keeps_what_it_held() {
    let Some(_machine) = root_or_skip("a_full_disk_keeps_what_it_held") else {
        return;
    };
    for option in ["--json", "--folded"] {
        for name in ["old", "new"] {
            let old = ("old".to_owned(), FullDisk::OLD.to_owned());
            let disk = write_to_full_disk(option, name);
            assert_eq!(disk.files(), [old], "{option} {name}");
        }
    }
}

/// The table goes to a pipe, which is no file and has no limit.
#[test]
fn a_limit_on_the_size_of_files_spares_the_table() {
    let test = "a_limit_on_the_size_of_files_spares_the_table";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("report.json");
    let path = path.to_str().expect("a UTF-8 path");
    let (mut reader, stdout) = std::io::pipe().expect("a pipe");
    let finished = trace(&["--json", path], |it| {
        it.stdout(stdout.into()).with_limit(Resource::Fsize, 1024)
    });
    assert_eq!(finished.status.code(), Some(1), "{finished:#?}");
    let complaint = finished.complaint();
    assert!(
        complaint.contains(path) && complaint.contains("ulimit -f"),
        "{complaint}"
    );
    let left = fs::read_dir(&folder).expect("our folder").count();
    assert_eq!(left, 0);
    let mut table = String::new();
    reader.read_to_string(&mut table).expect("a table");
    assert!(table.contains("recorded for"), "{table}");
}

fn on_dev_full(pagetrace: Pagetrace) -> Pagetrace {
    let full = OpenOptions::new().write(true).open("/dev/full");
    pagetrace.stdout(full.expect("every machine has it").into())
}

/// Checks that a pagetrace whose stdout takes nothing says so.
fn complains_of_stdout(finished: &Finished) {
    assert_eq!(finished.status.code(), Some(1), "{finished:#?}");
    assert!(finished.complaint().contains(NO_ROOM), "{finished:#?}");
    assert!(finished.complaint().contains("stdout"), "{finished:#?}");
}

#[test]
fn a_full_stdout_is_one_sentence() {
    let Some(_machine) = root_or_skip("a_full_stdout_is_one_sentence") else {
        return;
    };
    let formats: [&[&str]; 3] = [&[], &["--json", "-"], &["--folded", "-"]];
    for format in formats {
        complains_of_stdout(&trace(format, on_dev_full));
    }
}

#[test]
fn check_says_that_stdout_is_full() {
    let Some(_machine) = root_or_skip("check_says_that_stdout_is_full") else {
        return;
    };
    complains_of_stdout(&on_dev_full(Pagetrace::new(&["check"])).run());
}

#[test]
fn closed_descriptors_are_no_error() {
    const OUT: RawFd = libc::STDOUT_FILENO;
    const ALL: [RawFd; 3] = [libc::STDIN_FILENO, OUT, libc::STDERR_FILENO];
    let Some(_machine) = root_or_skip("closed_descriptors_are_no_error") else {
        return;
    };
    for args in [&["-i", "1"][..], &["check"]] {
        for closed in [&[OUT][..], &ALL] {
            let finished = Pagetrace::new(args).without_descriptors(closed).run();
            assert_eq!(finished.status.code(), Some(0), "{args:?}: {finished:#?}");
            assert_eq!(finished.stderr, "", "{args:?}");
        }
    }
}
