//! What works without tracing.

use pagetrace_tests::harness::{Pagetrace, root_or_skip};

#[test]
fn help_shows_examples_first() {
    let finished = Pagetrace::new(&["--help"]).run();
    assert!(finished.status.success(), "{finished:#?}");
    let parts = [
        "Examples:",
        "pagetrace -i 600 ",
        "Usage:",
        "Options:",
        "--min-age <",
    ];
    let places = parts.map(|part| finished.stdout.find(part));
    assert!(places.iter().all(Option::is_some), "{}", finished.stdout);
    assert!(places.is_sorted(), "{}", finished.stdout);
}

#[test]
fn version_is_one_line() {
    let finished = Pagetrace::new(&["--version"]).run();
    assert!(finished.status.success(), "{finished:#?}");
    assert_eq!(
        finished.stdout,
        concat!("pagetrace ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn check_finds_this_machine_able() {
    let Some(_machine) = root_or_skip("check_finds_this_machine_able") else {
        return;
    };
    let finished = Pagetrace::new(&["check"]).run();
    assert_eq!(finished.status.code(), Some(0), "{finished:#?}");
    for item in [
        "privileges",
        "BTF",
        "tracefs tracepoints",
        "memory",
        "tracing",
        "kernel symbols",
    ] {
        let is_ok = |line: &str| line.starts_with("ok ") && line.contains(item);
        assert!(
            finished.stdout.lines().any(is_ok),
            "{item}: {}",
            finished.stdout
        );
    }
}

#[test]
fn check_without_privilege_names_the_remedy() {
    let finished = Pagetrace::as_nobody(&["check"]).run();
    assert_eq!(finished.status.code(), Some(1), "{finished:#?}");
    assert!(finished.stdout.contains("root"), "{finished:#?}");
}
