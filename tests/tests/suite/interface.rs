//! What works without tracing.

use pagetrace_tests::harness::{Finished, OPEN_END, Pagetrace, root_or_skip};
use rustix::thread::CapabilitySet;

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

/// What check says of a feature, with its remedy.
fn said_of<'a>(check: &'a Finished, feature: &str) -> (&'a str, Option<&'a str>) {
    let mut lines = check.stdout.lines();
    let line = lines.find(|line| line.contains(feature));
    let remedy = lines.next().and_then(|line| line.trim().strip_prefix("→ "));
    (line.expect("it is looked at"), remedy)
}

#[test]
fn the_root_of_a_user_namespace_is_told_to_go_to_the_host() {
    let Some(_machine) = root_or_skip("the_root_of_a_user_namespace_is_told_to_go_to_the_host")
    else {
        return;
    };
    let check = Pagetrace::new(&["check"]).in_user_namespace().run();
    assert_eq!(check.status.code(), Some(1), "{check:#?}");
    let (privileges, _) = said_of(&check, "privileges");
    assert!(
        privileges.starts_with("missing ") && privileges.contains("on the host"),
        "{check:#?}"
    );
    let trace = Pagetrace::new(&OPEN_END).in_user_namespace().run();
    assert!(trace.refusal().contains("on the host"), "{trace:#?}");
}

#[test]
fn a_user_who_may_trace_is_told_to_become_root_for_the_rest() {
    let Some(_machine) = root_or_skip("a_user_who_may_trace_is_told_to_become_root_for_the_rest")
    else {
        return;
    };
    let check = Pagetrace::as_nobody_with(CapabilitySet::SYS_ADMIN, &["check"]).run();
    assert_eq!(check.status.code(), Some(0), "{check:#?}");
    assert!(
        said_of(&check, "privileges").0.starts_with("ok "),
        "{check:#?}"
    );
    for feature in ["page verification", "tracefs tracepoints", "kernel symbols"] {
        let (line, remedy) = said_of(&check, feature);
        assert!(line.starts_with("limited "), "{check:#?}");
        let as_root = remedy.is_some_and(|remedy| remedy.contains("as root"));
        assert!(as_root, "{feature}: {check:#?}");
    }
}

#[test]
fn check_without_privilege_names_the_remedy() {
    let finished = Pagetrace::as_nobody(&["check"]).run();
    assert_eq!(finished.status.code(), Some(1), "{finished:#?}");
    assert!(finished.stdout.contains("root"), "{finished:#?}");
}
