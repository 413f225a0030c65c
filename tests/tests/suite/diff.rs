//! `pagetrace diff`: what was taken between two snapshots, or between two traces, comes first.

use std::{
    fs,
    path::{Path, PathBuf},
};

use pagetrace_tests::harness::{Finished, Leaker, Pagetrace, Tracing, root_or_skip};
use rustix::param::page_size;
use serde_json::Value;

use crate::{LEAK, hold_500_pipes};

const PIPES: [&str; 5] = ["pipes", "--count", "1024", "--pages", "16"];

fn run(args: &[&str]) -> Finished {
    let finished = Pagetrace::new(args).run();
    assert!(finished.status.success(), "{finished:#?}");
    finished
}

fn snapshot(folder: &Path, name: &str) -> PathBuf {
    let file = folder.join(name);
    run(&["snapshot", "-o", text(&file)]);
    file
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a UTF-8 path")
}

fn diff(before: &Path, after: &Path, args: &[&str]) -> String {
    run(&[&["diff", text(before), text(after)], args].concat()).stdout
}

fn json(before: &Path, after: &Path) -> Value {
    serde_json::from_str(&diff(before, after, &["--json", "-"])).expect("JSON")
}

#[test]
fn what_was_taken_between_snapshots_is_named() {
    let Some(_machine) = root_or_skip("what_was_taken_between_snapshots_is_named") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let before = snapshot(folder.path(), "before");
    let leak = Leaker::start(LEAK, &PIPES);
    let after = snapshot(folder.path(), "after");
    leak.release();
    let diff = json(&before, &after);
    assert_eq!(diff["schema"], "pagetrace.snapshot-diff/1");
    let kinds = diff["kinds"].as_array().expect("a list");
    let unaccounted = kinds.iter().find(|kind| kind["name"] == "unaccounted");
    let unaccounted = unaccounted.expect("it differs");
    let bytes = |side: &str| unaccounted[side].as_i64().expect("a number");
    let grown = bytes("after_bytes") - bytes("before_bytes");
    let taken = (1024 * 16 * page_size()) as i64;
    assert!((grown - taken).abs() <= 4 << 20, "{grown}");
}

#[test]
fn traces_are_compared_by_their_functions() {
    let Some(_machine) = root_or_skip("traces_are_compared_by_their_functions") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [before, after] = ["before", "after"].map(|name| folder.path().join(name));
    let trace = Tracing::attach(&[]);
    fs::write(&before, trace.end().json).expect("room for it");
    let trace = Tracing::attach(&[]);
    let _leak = hold_500_pipes();
    fs::write(&after, trace.end().json).expect("room for it");
    let stacks = json(&before, &after)["stacks"].clone();
    let first = &stacks[0];
    let functions = first["functions"].to_string();
    assert!(functions.contains("pipe_write"), "{first}");
    let taken = 8000 * page_size();
    assert_eq!(first["after_bytes"], taken);
    let folded = diff(&before, &after, &["--folded", "-"]);
    let largest = format!(" 0 {taken}");
    assert!(
        folded.lines().any(|line| line.ends_with(&largest)),
        "{folded}"
    );
    let table = diff(&before, &after, &[]);
    let answer = table.lines().next().expect("a line");
    let mib = taken as f64 / f64::from(1 << 20);
    let most = format!("pipe_write differs most: +{mib:.2} MiB");
    assert!(answer.contains(&most), "{table}");
}

#[test]
fn a_snapshot_and_a_trace_cannot_be_compared() {
    let Some(_machine) = root_or_skip("a_snapshot_and_a_trace_cannot_be_compared") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let snapshot = snapshot(folder.path(), "snapshot");
    let trace = folder.path().join("trace");
    fs::write(&trace, Tracing::attach(&[]).end().json).expect("room for it");
    let refused = Pagetrace::new(&["diff", text(&snapshot), text(&trace)]).run();
    assert_eq!(
        refused.refusal(),
        "a snapshot and a trace cannot be compared: give two of a kind"
    );
}
