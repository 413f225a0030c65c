//! Cases that a service saves by itself.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use pagetrace_tests::harness::{Leaker, Pagetrace, eventually, root_or_skip};
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
