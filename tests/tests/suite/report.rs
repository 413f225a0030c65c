//! `pagetrace report`: a report that was saved shows what the trace did, and nothing else is taken
//! for one.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use pagetrace_tests::harness::{Pagetrace, Report, root_or_skip};
use tempfile::TempDir;

use crate::{LEAK, hold_500_pipes};

/// What can be asked of a report.
const QUESTIONS: [&[&str]; 3] = [
    &[],
    &[
        "--by", "stack", "--top", "3", "--kind", "all", "--sort", "growth",
    ],
    &["--min-age", "1", "--kind", "slab,raw", "-v"],
];

/// A folder of files that pagetrace writes.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs pagetrace with all outputs, and gives the table, the JSON and the folded stacks.
    fn outputs(&self, args: &[&str]) -> [String; 3] {
        let (json, folded) = (self.path("out.json"), self.path("out.folded"));
        let files = ["--json", text(&json), "--folded", text(&folded)];
        let finished = Pagetrace::new(&[args, &files].concat()).run();
        assert!(finished.status.success(), "{args:?}: {finished:#?}");
        let read = |path| fs::read_to_string(path).expect("it was written");
        [finished.stdout, read(json), read(folded)]
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a temporary path is text")
}

/// What pagetrace says of a file that is no report.
fn refusal(content: &[u8]) -> String {
    let folder = Folder::new();
    let file = folder.path("file");
    fs::write(&file, content).expect("room for it");
    let finished = Pagetrace::new(&["report", text(&file)]).run();
    let refusal = finished.refusal();
    let beginning = format!("cannot read {}: ", text(&file));
    let reason = refusal.strip_prefix(&beginning);
    reason.unwrap_or_else(|| panic!("{refusal}")).to_owned()
}

#[test]
fn a_saved_report_shows_what_the_trace_did() {
    let Some(_machine) = root_or_skip("a_saved_report_shows_what_the_trace_did") else {
        return;
    };
    let folder = Folder::new();
    let saved = folder.path("saved.json");
    for question in QUESTIONS {
        // What it fills while the trace begins is part of the window or not; both will do.
        let _leak = hold_500_pipes();
        let traced = folder.outputs(&[&["-i", "2"], question].concat());
        fs::write(&saved, &traced[1]).expect("room for it");
        let shown = folder.outputs(&[&["report", text(&saved)], question].concat());
        assert_eq!(shown, traced, "{question:?}");

        // Asked something else, and of that the same again, it is the same still.
        let other = folder.outputs(&["report", text(&saved), "--by", "stack"]);
        fs::write(&saved, &other[1]).expect("room for it");
        let again = folder.outputs(&[&["report", text(&saved)], question].concat());
        assert_eq!(again, traced, "{question:?}");
    }
}

#[test]
fn a_report_can_come_from_a_pipe() {
    let Some(_machine) = root_or_skip("a_report_can_come_from_a_pipe") else {
        return;
    };
    let finished = Pagetrace::new(&["-i", "1", "--json", "-"]).run();
    assert!(finished.status.success(), "{finished:#?}");
    let folder = Folder::new();
    let saved = folder.path("saved.json");
    fs::write(&saved, &finished.stdout).expect("room for it");
    let stdin = fs::File::open(&saved).expect("it was written");
    let again = Pagetrace::new(&["report", "-", "--json", "-"]).stdin(Stdio::from(stdin));
    assert_eq!(again.run().stdout, finished.stdout);
}

#[test]
fn a_report_needs_no_privilege() {
    let Some(_machine) = root_or_skip("a_report_needs_no_privilege") else {
        return;
    };
    let traced = Pagetrace::new(&["-i", "1", "--json", "-"]).run();
    let report: Report = serde_json::from_str(&traced.stdout).expect("one document");
    let folder = Folder::new();
    let saved = folder.path("saved.json");
    fs::write(&saved, &traced.stdout).expect("room for it");
    let stdin = fs::File::open(&saved).expect("it was written");
    let finished = Pagetrace::as_nobody(&["report", "-"]).stdin(Stdio::from(stdin));
    let finished = finished.run();
    assert!(finished.status.success(), "{finished:#?}");
    assert!(
        finished.stdout.contains(&report.host.kernel),
        "{finished:#?}"
    );
}

#[test]
fn a_report_of_the_first_schema_says_what_made_it() {
    let first = br#"{"schema": "pagetrace.report/1", "host": {"kernel": "6.1"}, "sites": []}"#;
    assert_eq!(
        refusal(first),
        "it is a report of schema pagetrace.report/1, written by pagetrace 0.1.0-dev, an earlier \
         version: trace again, or use that version"
    );
}

#[test]
fn what_is_no_report_is_refused_in_one_sentence() {
    for (content, reason) in [
        (&b""[..], "it is empty"),
        (b"{\"schema\": \"pagetrace.re", "it ends in the middle"),
        (
            b"{\"sites\": 3}",
            "it is no report of pagetrace (missing field `schema`",
        ),
        (b"\x7fELF\x02\x01\x01\0", "it is no report of pagetrace ("),
        (
            b"{\"schema\": \"\\u001b[31m\\nRED\"}",
            "it is no report of pagetrace, its schema is \\u{1b}",
        ),
    ] {
        let refusal = refusal(content);
        assert!(refusal.starts_with(reason), "{refusal}");
    }
    let finished = Pagetrace::new(&["report", "/no/such/file"]).run();
    assert_eq!(
        finished.refusal(),
        "cannot read /no/such/file: No such file or directory (os error 2)"
    );
}

#[test]
fn the_verb_of_a_trace_can_be_written() {
    let Some(_machine) = root_or_skip("the_verb_of_a_trace_can_be_written") else {
        return;
    };
    let folder = Folder::new();
    let [_, json, _] = folder.outputs(&["trace", "-i", "1", "--by", "stack"]);
    let report: Report = serde_json::from_str(&json).expect("one document");
    assert_eq!(report.selection.by, "stack");
    let json = folder.path("command.json");
    let command = ["--", LEAK, "balanced", "--count", "9"];
    let trace = ["trace", "--json", text(&json)];
    let finished = Pagetrace::new(&[&trace[..], &command].concat()).run();
    assert!(finished.status.success(), "{finished:#?}");
    let json = fs::read_to_string(json).expect("it was written");
    let report: Report = serde_json::from_str(&json).expect("one document");
    assert!(report.taken_pages >= 9, "{}", report.taken_pages);
}
