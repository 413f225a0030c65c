//! Bad input: one clear sentence, the right exit code, nothing half-done.

use std::{env, fs};

use pagetrace_tests::harness::{Finished, OPEN_END, Pagetrace, Tracing, root_or_skip};
use rustix::process::Resource;

/// Runs pagetrace with a window that would outlast the test's timeout if it began.
fn refused(args: &[&str]) -> Finished {
    let finished = Pagetrace::new(&[&OPEN_END, args].concat()).run();
    assert!(finished.refusal().len() > 10, "{finished:#?}");
    finished
}

#[test]
fn bad_usage_is_2() {
    let lines: [&[&str]; 9] = [
        &[],
        &["-i", "0"],
        &["-i", "abc"],
        &["-i", "999999999"],
        &["-i", "5", "--drain", "100"],
        &["-i", "5", "--scope", "user"],
        &["-i", "5", "--sort", "name"],
        &["-i", "5", "--json", "-", "--folded", "-"],
        &["-i", "5", "--no-such-option"],
    ];
    for line in lines {
        let finished = Pagetrace::new(line).run();
        assert_eq!(finished.status.code(), Some(2), "{line:?}: {finished:#?}");
        assert!(
            finished.stderr.starts_with("error: "),
            "{line:?}: {finished:#?}"
        );
        assert_eq!(finished.stdout, "", "{line:?}");
    }
}

#[test]
fn an_output_that_cannot_be_written_is_found_before_tracing() {
    let Some(_machine) = root_or_skip("an_output_that_cannot_be_written_is_found_before_tracing")
    else {
        return;
    };
    for option in ["--json", "--folded"] {
        for path in ["/nonexistent/folder/report", "/proc/report", "/"] {
            let finished = refused(&[option, path]);
            assert!(
                finished.stderr.contains(path),
                "{option} {path}: {finished:#?}"
            );
        }
    }
}

#[test]
fn nothing_half_done_is_left_of_an_output() {
    let Some(_machine) = root_or_skip("nothing_half_done_is_left_of_an_output") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let good = folder.path().join("report.json");
    let good = good.to_str().expect("a UTF-8 path");
    refused(&["--json", good, "--folded", "/nonexistent/folder/report"]);
    let left: Vec<_> = fs::read_dir(&folder).expect("our folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn too_few_descriptors_are_refused_and_name_the_limit() {
    let test = "too_few_descriptors_are_refused_and_name_the_limit";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    for limit in [8, 12, 24, 40] {
        let few = |pagetrace: Pagetrace| pagetrace.with_limit(Resource::Nofile, limit).run();
        let finished = few(Pagetrace::new(&OPEN_END));
        assert!(finished.refusal().contains("ulimit -n"), "{finished:#?}");
        let check = few(Pagetrace::new(&["check"]));
        assert_eq!(check.status.code(), Some(1), "{check:#?}");
        assert!(check.stdout.contains("ulimit -n"), "{check:#?}");
    }
}

/// How many descriptors this process hands down: the standard ones and those that its own parent
/// meant to.
fn inherited_descriptors() -> u64 {
    let descriptors = fs::read_dir("/proc/self/fdinfo").expect("our own");
    let is_inherited = |text: &String| {
        let flags = text.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = flags.and_then(|flags| i32::from_str_radix(flags.trim(), 8).ok());
        flags.is_some_and(|flags| flags & libc::O_CLOEXEC == 0)
    };
    // The one that lists them is closed again.
    let texts = descriptors
        .flatten()
        .filter_map(|it| fs::read_to_string(it.path()).ok());
    texts.filter(is_inherited).count() as u64
}

#[test]
fn as_many_descriptors_as_are_asked_for_are_enough() {
    let test = "as_many_descriptors_as_are_asked_for_are_enough";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    // What `plan::descriptors` asks for, beside those that are inherited.
    let enough = 64 + inherited_descriptors();
    let limitations = |limit| {
        let trace = Tracing::start(&OPEN_END, |it| {
            it.with_limit(Resource::Nofile, limit).spawn()
        });
        let limitations = trace.end().report.limitations.into_iter();
        limitations.map(|it| it.reason).collect::<Vec<_>>()
    };
    assert_eq!(limitations(enough), limitations(2 * enough));
    let check = Pagetrace::new(&["check"]).with_limit(Resource::Nofile, enough);
    assert_eq!(check.run().status.code(), Some(0));
}

#[test]
fn an_image_of_another_kernel_is_refused() {
    let Some(_machine) = root_or_skip("an_image_of_another_kernel_is_refused") else {
        return;
    };
    let this_test = env::current_exe().expect("a test knows where it is");
    let not_elf = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    for path in [
        this_test.to_str().expect("a UTF-8 path"),
        not_elf,
        "/nonexistent/vmlinux",
    ] {
        let finished = refused(&["--vmlinux", path]);
        assert!(finished.stderr.contains(path), "{path}: {finished:#?}");
    }
}

#[test]
fn without_privilege_the_remedy_is_named() {
    let finished = Pagetrace::as_nobody(&OPEN_END).run();
    let sentence = finished.refusal();
    assert!(
        sentence.contains("root") || sentence.contains("sudo"),
        "{sentence}"
    );
}
