//! `pagetrace mem`: each kind of memory is in one line, and what no line counts is found.

use std::collections::BTreeMap;

use pagetrace_tests::harness::{
    Finished, Leaker, Pagetrace, Stress, eventually, is_emulated, root_or_skip, skip,
};
use serde::Deserialize;

use crate::LEAK;

const MIB: i64 = 1 << 20;

/// What is taken in each test.
const TAKEN: i64 = 64 * MIB;

#[derive(Deserialize)]
struct Mem {
    schema: String,
    unaccounted_bytes: i64,
    unexplained_bytes: i64,
    balance: Balance,
    census: Vec<CensusRow>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "the name is for whoever reads why a test failed")]
struct CensusRow {
    name: String,
    counters_bytes: i64,
    census_bytes: i64,
}

#[derive(Deserialize)]
struct Balance {
    total_bytes: i64,
    tree: Line,
}

#[derive(Deserialize)]
struct Line {
    field: String,
    bytes: i64,
    parts: Vec<Line>,
}

impl Line {
    /// The lines without parts, by the kernel's names; what holders explain of the line of what is
    /// unaccounted is part of it.
    fn leaves(&self) -> BTreeMap<&str, i64> {
        if self.parts.is_empty() || self.field == UNACCOUNTED {
            return BTreeMap::from([(self.field.as_str(), self.bytes)]);
        }
        let parts = self.parts.iter();
        parts.flat_map(|part| part.leaves()).collect()
    }
}

fn run(args: &[&str]) -> Finished {
    let finished = Pagetrace::new(&[&["mem"], args].concat()).run();
    assert!(finished.status.success(), "{finished:#?}");
    finished
}

fn mem() -> Mem {
    let mem: Mem = serde_json::from_str(&run(&["--json", "-"]).stdout).expect("JSON");
    assert_eq!(mem.schema, "pagetrace.mem/1");
    assert_eq!(mem.balance.tree.bytes, mem.balance.total_bytes);
    assert!(mem.unexplained_bytes <= mem.unaccounted_bytes);
    mem
}

/// By how much each line grows while the leak holds its memory, of which `line` is most. The
/// kernel may take its time to free what a process has left.
fn growth(leak: &[&str], line: &str) -> BTreeMap<String, i64> {
    let before = leaves();
    let leak = Leaker::start(LEAK, leak);
    let after = leaves();
    leak.release();
    eventually("the memory to be given back", || {
        let now = leaves().get(line).copied();
        (now.unwrap_or(0) <= before.get(line).unwrap_or(&0) + TAKEN / 2).then_some(())
    });
    let grown = |(field, bytes): (String, i64)| {
        let grown = bytes - before.get(&field).unwrap_or(&0);
        (field, grown)
    };
    after.into_iter().map(grown).collect()
}

/// Each line without parts, the median of a few readings: others take and free meanwhile, and
/// the kernel counts their pages a little late.
fn leaves() -> BTreeMap<String, i64> {
    const READINGS: usize = 7;
    let mut readings = BTreeMap::<_, Vec<_>>::new();
    for _ in 0..READINGS {
        for (field, bytes) in mem().balance.tree.leaves() {
            readings.entry(field.to_owned()).or_default().push(bytes);
        }
    }
    let median = |(field, mut bytes): (String, Vec<i64>)| {
        bytes.sort_unstable();
        (field, bytes[bytes.len() / 2])
    };
    readings.into_iter().map(median).collect()
}

/// Checks that one line grew by what was taken, to 1 MiB, and no other of the kernel by more than
/// a few: whatever else runs on the machine, it is user memory.
fn only_one_grew(growth: &BTreeMap<String, i64>, line: &str) {
    const OF_OTHERS: [&str; 7] = [
        "MemFree",
        "zoneinfo: count",
        "AnonPages",
        "Cached - Shmem",
        "Buffers",
        "SReclaimable",
        "Active + Inactive + Unevictable - AnonPages - Cached - Buffers",
    ];
    let grown = growth.get(line).copied().unwrap_or(0);
    assert!((grown - TAKEN).abs() <= MIB, "{line}: {growth:#?}");
    let is_other = |field: &&String| *field != line && !OF_OTHERS.contains(&field.as_str());
    for other in growth.keys().filter(is_other) {
        assert!(growth[other].abs() <= 8 * MIB, "{other}: {growth:#?}");
    }
}

const UNACCOUNTED: &str = "MemTotal - all above";

#[test]
fn pages_in_pipes_are_unaccounted() {
    let Some(_machine) = root_or_skip("pages_in_pipes_are_unaccounted") else {
        return;
    };
    let count = TAKEN / (16 * rustix::param::page_size() as i64);
    let leak = ["pipes", "--count", &count.to_string(), "--pages", "16"];
    let growth = growth(&leak, UNACCOUNTED);
    only_one_grew(&growth, UNACCOUNTED);
}

#[test]
fn what_has_a_counter_is_in_one_line() {
    let Some(_machine) = root_or_skip("what_has_a_counter_is_in_one_line") else {
        return;
    };
    for (kind, line) in [
        ("slab", "SUnreclaim"),
        ("vmalloc", "VmallocUsed - KernelStack"),
        ("page-tables", "PageTables"),
        ("shmem", "Shmem"),
        ("hugetlb", "free - resv"),
    ] {
        let growth = growth(&["counted", "--kind", kind], line);
        only_one_grew(&growth, line);
    }
}

#[test]
fn anonymous_memory_is_in_one_line() {
    let Some(_machine) = root_or_skip("anonymous_memory_is_in_one_line") else {
        return;
    };
    let growth = growth(&["anon", "--mib", "64"], UNACCOUNTED);
    assert!(growth[UNACCOUNTED].abs() <= 2 * MIB, "{growth:#?}");
    // Elsewhere others take and free as much.
    if is_emulated() {
        let grown = growth["AnonPages"];
        assert!((grown - TAKEN).abs() <= 2 * MIB, "{growth:#?}");
    }
}

/// Checks that counters and pages of every kind differ by no more than so many thousandths of memory.
fn counters_and_pages_agree(permille: i64) {
    let mem: Mem = serde_json::from_str(&run(&["--census", "--json", "-"]).stdout).expect("JSON");
    assert!(mem.census.len() > 4, "{:#?}", mem.census);
    for row in &mem.census {
        let difference = (row.census_bytes - row.counters_bytes).abs();
        let limit = mem.balance.total_bytes * permille / 1000;
        assert!(difference <= limit, "{row:?}: more than {limit}");
    }
}

#[test]
fn counters_and_pages_agree_on_an_idle_machine() {
    let Some(_machine) = root_or_skip("counters_and_pages_agree_on_an_idle_machine") else {
        return;
    };
    counters_and_pages_agree(5);
}

#[test]
fn counters_and_pages_agree_under_stress() {
    let test = "counters_and_pages_agree_under_stress";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let anonymous = || leaves()["AnonPages"];
    let before = anonymous();
    let load = [
        "--vm=2",
        "--vm-bytes=256M",
        "--fork=1",
        "--pipe=1",
        "--sock=1",
        "--mmap=1",
    ];
    let Some(_stress) = Stress::start(&load) else {
        return skip(test, "stress-ng is not installed");
    };
    eventually("the load", || (anonymous() > before + TAKEN).then_some(()));
    counters_and_pages_agree(10);
}

#[test]
fn a_threshold_makes_a_verdict() {
    let Some(_machine) = root_or_skip("a_threshold_makes_a_verdict") else {
        return;
    };
    let _leak = Leaker::start(LEAK, &["pipes", "--count", "1024", "--pages", "16"]);
    let said = run(&["--threshold", "64M"]).stdout;
    let first = said.lines().next().expect("a line");
    assert!(first.contains(" of memory in no counter, "), "{said}");
    assert!(first.ends_with("next: pagetrace -i 600"), "{said}");
    assert!(said.lines().count() <= 24, "{said}");
}

#[test]
fn a_snapshot_is_looked_at_like_the_machine() {
    let Some(_machine) = root_or_skip("a_snapshot_is_looked_at_like_the_machine") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("snapshot");
    let path = file.to_str().expect("a UTF-8 path");
    let taken = Pagetrace::new(&["snapshot", "-o", path]).run();
    assert!(taken.status.success(), "{taken:#?}");
    let shown = run(&["--from", path]).stdout;
    assert!(shown.contains("MemTotal"), "{shown}");
    let bytes = std::fs::read(&file).expect("it is there");
    std::fs::write(&file, &bytes[..bytes.len() / 2]).expect("it is ours");
    let cut = Pagetrace::new(&["mem", "--from", path]).run();
    assert_eq!(
        cut.refusal(),
        format!("cannot read {path}: incomplete frame")
    );
}
