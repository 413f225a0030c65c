//! Shared memory that no path leads to is found with who holds it, and all of it adds up.

use pagetrace_tests::{
    harness::{Finished, Leaker, Pagetrace, eventually, note, root_or_skip},
    leaks::OrphanedSegment,
};
use serde_json::Value;

use super::LEAK;

const MIB: u64 = 1 << 20;

fn hold(by: &str, mib: u64) -> Leaker {
    let mib = mib.to_string();
    Leaker::start(LEAK, &["shmem", "--by", by, "--mib", &mib])
}

fn document(finished: &Finished) -> Value {
    assert!(finished.status.success(), "{finished:#?}");
    serde_json::from_str(&finished.stdout).expect("a document")
}

fn shm() -> Value {
    document(&Pagetrace::new(&["shm", "--json", "-"]).run())
}

fn bytes(value: &Value) -> u64 {
    value.as_u64().expect("bytes")
}

/// All entries of the ranking of this kind and size.
fn ranked<'a>(report: &'a Value, kind: &str, size: u64) -> Vec<&'a Value> {
    let ranking = report["balance"]["ranking"].as_array().expect("a list");
    let wanted = |entry: &&Value| entry["kind"] == kind && bytes(&entry["bytes"]) == size;
    ranking.iter().filter(wanted).collect()
}

/// The one entry of this kind and size that this process holds.
fn held<'a>(report: &'a Value, kind: &str, size: u64, leak: &Leaker) -> &'a Value {
    let found = ranked(report, kind, size);
    let is_held = |entry: &&&Value| {
        let holders = entry["holders"]["first"].as_array().expect("a list");
        holders.iter().any(|it| it["task"]["pid"] == leak.pid())
    };
    let held: Vec<_> = found.iter().filter(is_held).collect();
    assert_eq!(held.len(), 1, "{kind}: {found:#?}");
    held[0]
}

#[test]
fn a_deleted_file_is_found_once_with_its_process() {
    let Some(_machine) = root_or_skip("a_deleted_file_is_found_once_with_its_process") else {
        return;
    };
    let leak = hold("deleted-file", 100);
    let report = shm();
    let entry = held(&report, "deleted-file", 100 * MIB, &leak);
    assert_eq!(entry["name"], "/tmp/forgotten");
    assert_eq!(entry["holders"]["count"], 1);
    assert_eq!(entry["holders"]["first"][0]["task"]["name"], "leak");
    assert!(entry["holders"]["first"][0]["descriptor"].is_u64());
    leak.release();
    assert_eq!(ranked(&shm(), "deleted-file", 100 * MIB).len(), 0);
}

#[test]
fn a_tmpfs_that_was_unmounted_is_found_by_its_open_file() {
    let Some(_machine) = root_or_skip("a_tmpfs_that_was_unmounted_is_found_by_its_open_file")
    else {
        return;
    };
    let leak = hold("detached-file", 45);
    let report = shm();
    let entry = held(&report, "detached-file", 45 * MIB, &leak);
    assert!(
        entry["name"]
            .as_str()
            .is_some_and(|it| it.ends_with("detached"))
    );
    let file_systems = report["snapshot"]["shmem"]["file_systems"].as_array();
    let mut file_systems = file_systems.expect("a list").iter();
    let found = file_systems.find(|it| it["mounts"] == 0 && it["seen_by"]["pid"] == leak.pid());
    let used = found.map(|it| bytes(&it["used_bytes"]));
    assert_eq!(used, Some(45 * MIB), "{report:#}");
}

#[test]
fn mem_names_the_fullest_tmpfs() {
    let Some(_machine) = root_or_skip("mem_names_the_fullest_tmpfs") else {
        return;
    };
    let leak = hold("deleted-file", 47);
    let finished = Pagetrace::new(&["mem", "--verbose", "--top", "100"]).run();
    assert!(finished.status.success(), "{finished:#?}");
    let named = format!("47.00 MiB /tmp, for leak (pid {})", leak.pid());
    let mut lines = finished.stdout.lines();
    let line = lines.find(|line| line.starts_with("Fullest tmpfs: "));
    assert!(
        line.is_some_and(|line| line.contains(&named)),
        "{finished:#?}"
    );
}

#[test]
fn a_memfd_and_shared_anonymous_memory_are_found() {
    let Some(_machine) = root_or_skip("a_memfd_and_shared_anonymous_memory_are_found") else {
        return;
    };
    let (memfd, anonymous) = (hold("memfd", 33), hold("anonymous", 35));
    let report = shm();
    let entry = held(&report, "memfd", 33 * MIB, &memfd);
    assert_eq!(entry["name"], "leaked");
    let entry = held(&report, "shared-anonymous", 35 * MIB, &anonymous);
    assert_eq!(entry["holders"]["first"][0]["descriptor"], Value::Null);
}

#[test]
fn an_orphaned_segment_is_found_in_every_ipc_namespace() {
    let Some(_machine) = root_or_skip("an_orphaned_segment_is_found_in_every_ipc_namespace") else {
        return;
    };
    let segment = OrphanedSegment::new(37 << 20).expect("a segment");
    let leak = hold("segment", 39);
    let report = shm();
    let [own] = ranked(&report, "orphaned-segment", 37 * MIB)[..] else {
        panic!("{report:#}");
    };
    assert_eq!(own["name"], segment.id().to_string());
    assert_eq!(own["creator"]["pid"], std::process::id());
    assert_eq!(own["seen_by"], Value::Null);
    let [foreign] = ranked(&report, "orphaned-segment", 39 * MIB)[..] else {
        panic!("{report:#}");
    };
    assert_eq!(foreign["creator"]["pid"], leak.pid());
    assert_eq!(foreign["seen_by"]["pid"], leak.pid());
}

#[test]
fn a_tmpfs_under_another_mount_is_measured() {
    let Some(_machine) = root_or_skip("a_tmpfs_under_another_mount_is_measured") else {
        return;
    };
    let leak = hold("hidden-file", 41);
    let report = shm();
    let file_systems = report["snapshot"]["shmem"]["file_systems"].as_array();
    let of_leak = file_systems.expect("a list").iter();
    let of_leak = of_leak.filter(|it| it["seen_by"]["pid"] == leak.pid());
    let used: Vec<_> = of_leak
        .filter(|it| it["point"] == "/tmp")
        .map(|it| bytes(&it["used_bytes"]))
        .collect();
    assert_eq!(used.len(), 2, "{report:#}");
    assert!(used.contains(&(41 * MIB)) && used.contains(&0), "{used:?}");
}

/// Fails unless the parts of each line are that line.
fn adds_up(line: &Value) {
    let parts = line["parts"].as_array().expect("a list");
    let sizes = parts.iter().map(|part| part["bytes"].as_i64());
    let sum: Option<i64> = sizes.sum();
    if !parts.is_empty() {
        assert_eq!(line["bytes"].as_i64(), sum, "{line:#}");
    }
    parts.iter().for_each(adds_up);
}

/// Bytes that nobody is known to have; below zero when more was found than the kernel counts.
fn unattributed(report: &Value) -> i64 {
    report["unattributed_bytes"].as_i64().expect("bytes")
}

/// Bytes that nobody had before the test. Where every process shows what it has open and mapped, there
/// may be none, and all that nobody has is a fault.
fn unattributed_before() -> i64 {
    let report = shm();
    let hidden = &report["snapshot"]["shmem"]["contents"]["unreadable_processes"];
    let before = unattributed(&report);
    note(&format!(
        "{before} bytes of nobody, {hidden} processes show nothing"
    ));
    if bytes(hidden) == 0 { 0 } else { before }
}

#[test]
fn the_parts_add_up_to_shmem() {
    let Some(_machine) = root_or_skip("the_parts_add_up_to_shmem") else {
        return;
    };
    let before = unattributed_before();
    let kinds = [
        "deleted-file",
        "hidden-file",
        "detached-file",
        "memfd",
        "anonymous",
        "segment",
    ];
    let _leaks = kinds.map(|kind| hold(kind, 32));
    // What others do with shared memory meanwhile shows as well, and passes.
    eventually("the parts to add up within 1 %", || {
        let report = shm();
        adds_up(&report["balance"]["tree"]);
        let shmem = bytes(&report["shmem_bytes"]);
        assert!(shmem >= 6 * 32 * MIB, "{report:#}");
        let off = (unattributed(&report) - before).unsigned_abs();
        (off <= (shmem / 100).max(MIB)).then_some(())
    });
}

#[test]
fn a_snapshot_shows_the_same() {
    let Some(_machine) = root_or_skip("a_snapshot_shows_the_same") else {
        return;
    };
    let leak = hold("memfd", 43);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("snapshot");
    let file = file.to_str().expect("a path of ASCII");
    let taken = Pagetrace::new(&["snapshot", "-o", file]).run();
    assert!(taken.status.success(), "{taken:#?}");
    let pid = leak.pid();
    leak.release();
    let screen = Pagetrace::new(&["shm", "--from", file]).run();
    let holder = format!("leak (pid {pid}, fd ");
    assert!(screen.stdout.contains(&holder), "{screen:#?}");
    assert!(screen.stdout.contains(" leaked"), "{screen:#?}");
}

#[test]
fn without_root_it_says_what_it_cannot_see() {
    let finished = Pagetrace::as_nobody(&["shm"]).run();
    assert!(finished.status.success(), "{finished:#?}");
    let mut lines = finished.stdout.lines();
    assert!(lines.next().is_some_and(|it| it.contains("of shmem")));
    let unseen = "processes do not show what they have open and mapped";
    assert!(finished.stdout.contains(unseen), "{finished:#?}");
}
