//! Where the formats go, and what the table says.

use std::{
    fs::{self, File},
    io::Write as _,
};

use aya::sys::{Stats, enable_stats};
use pagetrace_tests::harness::{Folded, Outputs, Pagetrace, Report, Tracing, root_or_skip, skip};
use rustix::fs::{MemfdFlags, memfd_create};

use crate::hold_500_pipes;

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
    for part in [&outputs.report.host.kernel, "recorded for", "kept"]
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

#[test]
fn that_nothing_was_kept_is_one_line() {
    let Some(_machine) = root_or_skip("that_nothing_was_kept_is_one_line") else {
        return;
    };
    // Nobody takes blocks of 4 MiB.
    let outputs = Tracing::attach(&["--order", "10"]).end();
    let first = outputs.table.lines().next();
    let first = first.expect("a line");
    assert!(
        first.starts_with("No kernel page taken in these "),
        "{first}"
    );
    assert!(
        first.ends_with(" was kept; 0 were taken and given back"),
        "{first}"
    );
    assert!(outputs.ranking().is_empty(), "{}", outputs.table);
}

#[test]
fn what_grew_elsewhere_is_said_first() {
    let Some(_machine) = root_or_skip("what_grew_elsewhere_is_said_first") else {
        return;
    };
    let trace = Tracing::attach(&[]);
    let memory = fs::read_to_string("/proc/meminfo").expect("a kernel has memory");
    let total = memory.split_ascii_whitespace().nth(1);
    let total: usize = total.and_then(|it| it.parse().ok()).expect("kilobytes");
    // Two thousandths of memory, in a file that no file system has.
    let shmem = shmem(total * 1024 / 500);
    let outputs = trace.end();
    drop(shmem);
    let first = outputs.table.lines().next().expect("a line");
    assert!(first.starts_with("Mostly not a raw-page leak: "), "{first}");
    assert!(first.contains("Shmem (--scope all --kind file)"), "{first}");
    let meminfo = outputs.report.meminfo.expect("every kernel has it");
    let growth = meminfo.ended["Shmem"] - meminfo.started["Shmem"];
    // The kernel gathers some of it on each CPU before it counts it.
    assert!(growth >= total as u64 * 1024 / 600, "{growth}");
}

fn shmem(bytes: usize) -> File {
    let file = memfd_create("pagetrace-test", MemfdFlags::CLOEXEC).expect("room for one");
    let mut file = File::from(file);
    file.write_all(&vec![1; bytes]).expect("room for it");
    file
}

#[test]
fn what_tracing_costs_is_said_where_the_kernel_measures_it() {
    let test = "what_tracing_costs_is_said_where_the_kernel_measures_it";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let cost = |outputs: &Outputs| {
        let mut lines = outputs.table.lines();
        let line = lines.find(|line| line.starts_with("Cost: pagetrace itself "));
        line.expect("a line").to_owned()
    };
    let unmeasured = Tracing::attach(&[]).end();
    if unmeasured.report.cost.programs.is_some() {
        skip(test, "somebody else has the kernel measure it");
        return;
    }
    let line = cost(&unmeasured);
    assert!(
        line.ends_with("whose cost is not measured (kernel.bpf_stats_enabled)"),
        "{line}"
    );

    let _stats = enable_stats(Stats::RunTime).expect("root may");
    let trace = Tracing::attach(&[]);
    drop(hold_500_pipes());
    let measured = trace.end();
    let programs = measured.report.cost.programs.expect("it was measured");
    assert!(
        programs.runs >= 16_000 && programs.nanoseconds > 0,
        "{programs:?}"
    );
    let line = cost(&measured);
    assert!(
        line.contains(" events/s at ") && line.contains(" ns, "),
        "{line}"
    );
}
