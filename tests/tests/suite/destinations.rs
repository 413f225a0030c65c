//! What becomes of the files, links and pipes that a report is written to.

use std::{
    ffi::OsStr,
    fs::{self, File, Permissions},
    io::Read as _,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{MetadataExt as _, PermissionsExt as _, chown, lchown, symlink},
        process::ExitStatusExt as _,
    },
    path::Path,
};

use pagetrace_tests::harness::{
    Finished, OPEN_END, Pagetrace, Report, Running, eventually, root_or_skip,
};
use rustix::{
    fs::{CWD, FileType, Mode, OFlags, mknodat, open},
    process::Signal,
};
use tempfile::{TempDir, tempdir};

const NOBODY: u32 = 65534;

fn folder() -> TempDir {
    tempdir().expect("a temporary folder")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a UTF-8 path")
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("our folder");
    let names = entries.flatten().map(|entry| entry.file_name());
    names.map(|it| it.to_string_lossy().into_owned()).collect()
}

/// A trace of a moment that writes to `path`.
fn short_trace(path: &Path) -> Pagetrace {
    Pagetrace::new(&["--json", text(path), "--", "true"])
}

fn succeeded(finished: &Finished) {
    assert!(finished.status.success(), "{finished:#?}");
}

fn is_report(path: &Path) {
    let written = fs::read_to_string(path).expect("it was written");
    serde_json::from_str::<Report>(&written).expect("a report");
}

/// The calls by which a file gets a name beside the one it has, or its first. arm64 has only those that
/// take folders.
const LINKING: &[libc::c_long] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_link,
    libc::SYS_linkat,
];

/// The calls by which a file gets another name.
const RENAMING: &[libc::c_long] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_renameat2,
];

#[test]
fn a_kill_leaves_no_file_under_a_name_of_its_own() {
    let Some(_machine) = root_or_skip("a_kill_leaves_no_file_under_a_name_of_its_own") else {
        return;
    };
    let folder = folder();
    let path = folder.path().join("report.json");
    let killed = || {
        let killed = short_trace(&path)
            .killed_at(&[LINKING, RENAMING].concat())
            .run();
        assert_eq!(killed.status.signal(), Some(libc::SIGSYS), "{killed:#?}");
    };
    killed();
    assert_eq!(names(&folder), [""; 0]);

    fs::write(&path, "old").expect("room for it");
    killed();
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "old");
    assert_eq!(names(&folder), ["report.json"]);
}

#[test]
fn what_a_kill_left_between_two_names_is_swept() {
    let Some(_machine) = root_or_skip("what_a_kill_left_between_two_names_is_swept") else {
        return;
    };
    let folder = folder();
    let path = folder.path().join("report.json");
    fs::write(&path, "old").expect("room for it");
    let killed = short_trace(&path).killed_at(RENAMING).run();
    assert_eq!(killed.status.signal(), Some(libc::SIGSYS), "{killed:#?}");
    assert_eq!(names(&folder).len(), 2);
    succeeded(&short_trace(&path).run());
    assert_eq!(names(&folder), ["report.json"]);
    is_report(&path);
}

#[test]
fn nobody_else_may_read_a_report() {
    let Some(_machine) = root_or_skip("nobody_else_may_read_a_report") else {
        return;
    };
    let folder = folder();
    let [old, new] = ["old", "new"].map(|name| folder.path().join(name));
    fs::write(&old, "old").expect("room for it");
    chown(&old, Some(NOBODY), Some(NOBODY)).expect("root may");
    fs::set_permissions(&old, Permissions::from_mode(0o4777)).expect("root may");
    for (path, umask) in [(old, 0), (new, 0o777)] {
        succeeded(&short_trace(&path).with_umask(umask).run());
        let found = fs::metadata(&path).expect("it was written");
        let facts = (found.mode() & 0o7777, found.uid(), found.gid());
        assert_eq!(facts, (0o600, 0, 0), "{}", path.display());
        is_report(&path);
    }
}

/// A folder where everybody may put something, as /tmp.
fn shared_folder() -> TempDir {
    let folder = folder();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o1777)).expect("our folder");
    folder
}

#[test]
fn what_somebody_else_planted_is_not_written_to() {
    let Some(_machine) = root_or_skip("what_somebody_else_planted_is_not_written_to") else {
        return;
    };
    let (precious, shared) = (folder(), shared_folder());
    let target = precious.path().join("precious");
    fs::write(&target, "precious").expect("room for it");
    let [link, pipe] = ["link", "pipe"].map(|name| shared.path().join(name));
    symlink(&target, &link).expect("our folder");
    make_pipe(&pipe);
    for planted in [&link, &pipe] {
        lchown(planted, Some(NOBODY), Some(NOBODY)).expect("root may");
        let refused = short_trace(planted).run();
        assert!(refused.refusal().contains(text(planted)), "{refused:#?}");
        assert!(refused.refusal().contains("another user"), "{refused:#?}");
    }
    assert_eq!(
        fs::read_to_string(&target).expect("it is there"),
        "precious"
    );
}

#[test]
fn a_file_that_is_mounted_is_refused_before_tracing() {
    let Some(_machine) = root_or_skip("a_file_that_is_mounted_is_refused_before_tracing") else {
        return;
    };
    let folder = folder();
    let path = folder.path().join("report.json");
    fs::write(&path, "old").expect("room for it");
    let refused = short_trace(&path).seeing(text(&path), "mounted").run();
    assert!(refused.refusal().contains("mount"), "{refused:#?}");
}

#[test]
fn a_link_to_nothing_is_refused() {
    let Some(_machine) = root_or_skip("a_link_to_nothing_is_refused") else {
        return;
    };
    let folder = folder();
    let link = folder.path().join("link");
    symlink("missing", &link).expect("our folder");
    let refused = short_trace(&link).run();
    assert!(refused.refusal().contains("missing"), "{refused:#?}");
    assert_eq!(names(&folder), ["link"]);
}

#[test]
fn a_name_need_not_be_text() {
    let Some(_machine) = root_or_skip("a_name_need_not_be_text") else {
        return;
    };
    let folder = folder();
    let path = folder.path().join(OsStr::from_bytes(b"leak\xff.json"));
    let pagetrace = Pagetrace::new(&["-i", "1", "--json"]);
    succeeded(&pagetrace.arg(path.as_os_str()).run());
    is_report(&path);
}

fn make_pipe(path: &Path) {
    let mode = Mode::RUSR | Mode::WUSR;
    mknodat(CWD, path, FileType::Fifo, mode, 0).expect("our folder");
}

/// Starts to read a pipe, whether anybody writes to it or not.
fn reader(path: &Path) -> File {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    open(path, flags, Mode::empty()).expect("our pipe").into()
}

/// A trace with an open end that is attached and will write to a pipe.
fn trace_into(pipe: &Path) -> Running {
    let args = [&OPEN_END[..], &["-v", "--json", text(pipe)]].concat();
    let mut running = Pagetrace::new(&args).spawn();
    running.wait_until_attached();
    running
}

/// Whether it has failed to write to the pipe, and printed the table all the same.
fn failed(finished: &Finished, pipe: &Path, reason: &str) {
    assert_eq!(finished.status.code(), Some(1), "{finished:#?}");
    assert!(finished.stdout.contains("recorded for"), "{finished:#?}");
    let last = finished.stderr.lines().last().expect("a complaint");
    assert!(
        last.contains(text(pipe)) && last.contains(reason),
        "{finished:#?}"
    );
}

#[test]
fn a_reader_of_a_pipe_that_leaves_is_an_error() {
    let Some(_machine) = root_or_skip("a_reader_of_a_pipe_that_leaves_is_an_error") else {
        return;
    };
    let folder = folder();
    let pipe = folder.path().join("pipe");
    make_pipe(&pipe);
    let reader = reader(&pipe);
    let running = trace_into(&pipe);
    drop(reader);
    running.signal(Signal::INT);
    failed(&running.finish(), &pipe, "its reader has left");
}

#[test]
fn nobody_waits_for_a_reader_of_a_pipe() {
    let Some(_machine) = root_or_skip("nobody_waits_for_a_reader_of_a_pipe") else {
        return;
    };
    let folder = folder();
    let pipe = folder.path().join("pipe");
    make_pipe(&pipe);
    let running = trace_into(&pipe);
    assert!(
        running.stderr().contains("nobody reads"),
        "{}",
        running.stderr()
    );
    running.signal(Signal::INT);
    failed(&running.finish(), &pipe, "nobody reads it");
}

#[test]
fn a_reader_of_a_pipe_may_come_late() {
    let Some(_machine) = root_or_skip("a_reader_of_a_pipe_may_come_late") else {
        return;
    };
    let folder = folder();
    let pipe = folder.path().join("pipe");
    make_pipe(&pipe);
    let running = trace_into(&pipe);
    let mut reader = reader(&pipe);
    running.signal(Signal::INT);
    let mut written = Vec::new();
    eventually("a report", || {
        // Ends with an error, or as if at an end, as long as nothing is there.
        let _ = reader.read_to_end(&mut written);
        serde_json::from_slice::<Report>(&written).ok()
    });
    succeeded(&running.finish());
}
