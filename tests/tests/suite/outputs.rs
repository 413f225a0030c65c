//! Where the formats go, and what the table says.

use std::fs;

use pagetrace_tests::harness::{Folded, Pagetrace, Report, Tracing, root_or_skip};

#[test]
fn the_table_says_what_was_watched_and_lost() {
    let Some(_machine) = root_or_skip("the_table_says_what_was_watched_and_lost") else {
        return;
    };
    let outputs = Tracing::attach(&[]).end();
    let losses = [
        "recursion misses",
        "site table full",
        "failed unwinds",
        "unmatched frees",
        "out of range",
        "failed allocations",
    ];
    for part in [&outputs.report.host.kernel, "Kernel pages recorded", "kept"]
        .into_iter()
        .chain(losses)
    {
        assert!(
            outputs.table.contains(part),
            "no {part} in\n{}",
            outputs.table
        );
    }
    assert!(
        !outputs.table.contains('\u{1b}'),
        "a file has no colours\n{}",
        outputs.table
    );
}

#[test]
fn the_document_names_this_machine() {
    let Some(_machine) = root_or_skip("the_document_names_this_machine") else {
        return;
    };
    let host = Tracing::attach(&[]).end().report.host;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").expect("a kernel has a release");
    assert_eq!(host.kernel, kernel.trim());
    assert_eq!(host.page_size, rustix::param::page_size() as u64);
    let memory = fs::read_to_string("/proc/meminfo").expect("a kernel has memory");
    let total = format!("MemTotal:{:>15} kB", host.mem_total_bytes >> 10);
    assert!(memory.starts_with(&total), "{total}");
    assert!(host.cpus > 0 && !host.arch.is_empty(), "{host:?}");
}

#[test]
fn verbose_says_what_it_cost() {
    let Some(_machine) = root_or_skip("verbose_says_what_it_cost") else {
        return;
    };
    let stderr = Tracing::attach(&[]).end().stderr;
    for remark in ["slot table ", "attached ", "report written "] {
        let says = |line: &str| line.starts_with(&format!("pagetrace: {remark}"));
        assert!(stderr.lines().any(says), "no {remark} in\n{stderr}");
    }
}

#[test]
fn json_replaces_the_table_on_stdout() {
    let Some(_machine) = root_or_skip("json_replaces_the_table_on_stdout") else {
        return;
    };
    let finished = Pagetrace::new(&["-i", "1", "--json", "-"]).run();
    assert!(finished.status.success(), "{finished:#?}");
    let report: Report = serde_json::from_str(&finished.stdout).expect("one document");
    assert!(report.window.seconds() >= 1.0, "{:?}", report.window);
    assert_eq!(finished.stderr, "");
}

#[test]
fn folded_stacks_replace_the_table_on_stdout() {
    let Some(_machine) = root_or_skip("folded_stacks_replace_the_table_on_stdout") else {
        return;
    };
    let finished = Pagetrace::new(&["-i", "1", "--folded", "-"]).run();
    assert!(finished.status.success(), "{finished:#?}");
    Folded::parse(&finished.stdout).expect("folded stacks");
    assert_eq!(finished.stderr, "");
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let Some(_machine) = root_or_skip("a_reader_that_leaves_early_is_no_error") else {
        return;
    };
    let formats: [&[&str]; 3] = [&[], &["--json", "-"], &["--folded", "-"]];
    for format in formats {
        let (reader, stdout) = std::io::pipe().expect("a pipe");
        let args = [&["-i", "1"], format].concat();
        let running = Pagetrace::new(&args).stdout(stdout.into()).spawn();
        drop(reader);
        let finished = running.finish();
        assert_eq!(finished.status.code(), Some(0), "{format:?}: {finished:#?}");
        assert_eq!(finished.stderr, "", "{format:?}");
    }
}
