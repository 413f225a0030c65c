//! Cases that a service saves by itself.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use pagetrace_tests::harness::{FullDisk, Leaker, Pagetrace, Service, eventually, root_or_skip};
use tempfile::TempDir;

use super::service;
use crate::LEAK;

fn cases(folder: &TempDir) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).expect("it is there").flatten();
    files.map(|it| it.path()).collect()
}

#[test]
fn memory_that_goes_missing_becomes_a_case() {
    let Some(_machine) = root_or_skip("memory_that_goes_missing_becomes_a_case") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().to_str().expect("UTF-8");
    let service = service(&["--save", path, "--save-at", "150M"]);
    let leak = Leaker::start(LEAK, &["pipes", "--count", "4000", "--pages", "16"]);
    let case = eventually("a case to be saved", || cases(&folder).pop());
    let mode = fs::metadata(&case)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600, "only its owner may read it");
    let said = eventually("the service to say so", || {
        Some(service.stderr()).filter(|it| it.contains("saved a case"))
    });
    assert!(said.contains("more that no counter shows"), "{said}");
    let shown = Pagetrace::new(&["report", case.to_str().expect("UTF-8")]).run();
    assert!(shown.stdout.contains("pipe_write"), "{shown:#?}");
    let pid = format!("pid {}", leak.pid());
    assert!(
        shown.stdout.contains(&pid),
        "{pid} is not in {}",
        shown.stdout
    );
    let (_, metrics) = service.get("/metrics");
    assert!(
        metrics.contains("pagetrace_saved_cases_total 1\n"),
        "{metrics}"
    );
}

/// A service that saves its cases on that disk, and a leak that is one.
fn service_on(disk: &FullDisk, folder: &TempDir) -> (Service, Leaker) {
    let path = folder.path().to_str().expect("UTF-8");
    let args = ["--every", "3600", "--save", path, "--save-at", "150M"];
    let service = Service::start_as(&args, |it| it.with_disk(disk, folder.path()));
    let leak = Leaker::start(LEAK, &["pipes", "--count", "4000", "--pages", "16"]);
    (service, leak)
}

#[test]
fn on_a_full_disk_the_oldest_cases_give_way() {
    const OLDEST: &str = "pagetrace-case-20200101T000000Z.json.zst";
    const OLD: &str = "pagetrace-case-20210101T000000Z.json.zst";
    let Some(_machine) = root_or_skip("on_a_full_disk_the_oldest_cases_give_way") else {
        return;
    };
    let disk = FullDisk::of(&[(OLDEST, 2048), (OLD, 1), ("others", 256)]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (service, _leak) = service_on(&disk, &folder);
    eventually("the service to say so", || {
        service.stderr().contains("saved a case").then_some(())
    });
    let names = disk.names();
    let [others, old, new] = &names[..] else {
        panic!("{names:?}");
    };
    assert_eq!((others.as_str(), old.as_str()), ("others", OLD));
    assert!(new.starts_with("pagetrace-case-20"), "{names:?}");
}

#[test]
fn cases_that_would_not_make_room_enough_stay() {
    const OLD: &str = "pagetrace-case-20210101T000000Z.json.zst";
    let Some(_machine) = root_or_skip("cases_that_would_not_make_room_enough_stay") else {
        return;
    };
    let disk = FullDisk::of(&[(OLD, 1), ("others", 256)]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (service, _leak) = service_on(&disk, &folder);
    let said = eventually("the service to say so", || {
        Some(service.stderr()).filter(|it| it.contains("cannot save a case"))
    });
    assert!(said.contains("No space left on device"), "{said}");
    assert_eq!(disk.names(), ["others", OLD]);
    let (_, metrics) = service.get("/metrics");
    let none = "pagetrace_saved_cases_total 0\n";
    assert!(metrics.contains(none), "{metrics}");
}
