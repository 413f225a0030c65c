use super::*;
use crate::{kernel::meminfo, model::ZoneTotals};

const INCIDENT: &str = include_str!("incident-1-meminfo.txt");

fn counters(meminfo: &str) -> MemoryCounters {
    MemoryCounters {
        page_size: 4096,
        meminfo: meminfo::lines(meminfo),
        ..MemoryCounters::default()
    }
}

/// Fails unless the parts of each line are that line.
fn adds_up(line: &Line) {
    for line in line.lines().filter(|line| !line.parts.is_empty()) {
        let parts: i64 = line.parts.iter().map(|part| part.bytes).sum();
        assert_eq!(line.bytes, parts, "{}", line.name);
    }
}

fn bytes_of(tree: &Line, field: &str) -> Option<i64> {
    tree.lines()
        .find(|line| line.field == field)
        .map(|line| line.bytes)
}

/// What the people of the incident calculated: every address of vmalloc is memory to them.
fn by_the_incidents_formula(counters: &MemoryCounters) -> u64 {
    const COUNTED: [&str; 9] = [
        "MemFree",
        "Slab",
        "VmallocUsed",
        "PageTables",
        "KernelStack",
        "HardwareCorrupted",
        "Bounce",
        "Active",
        "Inactive",
    ];
    let counted: u64 = COUNTED.iter().map(|name| counters.meminfo[*name]).sum();
    counters.meminfo["MemTotal"] - counted - counters.meminfo["Unevictable"]
}

#[test]
fn the_incident_is_unaccounted_memory() {
    let counters = counters(INCIDENT);
    assert_eq!(by_the_incidents_formula(&counters), 2_591_452 << 10);
    let balance = balance(&counters, Threshold::Usual).expect("all lines are there");
    adds_up(&balance.tree);
    // The addresses of vmalloc are no memory on that kernel: all of the difference.
    let vmalloc = 641_352 << 10;
    assert_eq!(balance.unaccounted_bytes, (2_591_452 << 10) + vmalloc);
    let culprit = balance.verdict.culprit.expect("there is one");
    assert_eq!(culprit.name, "of memory in no counter");
    let features: Vec<_> = balance.limitations.iter().map(|it| it.feature).collect();
    assert_eq!(features, [Feature::PerCpuLists, Feature::VmallocBytes]);
}

const IDLE: &str = "\
MemTotal:       24684084 kB
MemFree:        17709712 kB
Buffers:           61984 kB
Cached:          6102560 kB
SwapCached:            0 kB
Active:          2399180 kB
Inactive:        3880008 kB
Unevictable:       10588 kB
AnonPages:        125220 kB
Shmem:              8872 kB
KReclaimable:     373364 kB
Slab:             458644 kB
SReclaimable:     373364 kB
SUnreclaim:        85280 kB
KernelStack:        1560 kB
PageTables:         3524 kB
SecPageTables:         0 kB
VmallocUsed:       58172 kB
VmallocChunk:          0 kB
Percpu:             1672 kB
";

fn idle() -> MemoryCounters {
    MemoryCounters {
        zones: Some(ZoneTotals {
            spanned_pages: 6_553_599,
            present_pages: 6_291_358,
            managed_pages: 6_171_021,
            reserve_pages: 16_896,
            per_cpu_list_pages: 36_710,
        }),
        ..counters(IDLE)
    }
}

#[test]
fn an_idle_machine_has_next_to_nothing_unaccounted() {
    let balance = balance(&idle(), Threshold::Usual).expect("all lines are there");
    adds_up(&balance.tree);
    assert_eq!(balance.unaccounted_bytes, 15_744 << 10);
    assert_eq!(balance.verdict.culprit, None);
    assert_eq!(balance.limitations, []);
}

#[test]
fn a_stack_is_counted_once() {
    let tree = balance(&idle(), Threshold::Usual)
        .expect("all lines are there")
        .tree;
    assert_eq!(bytes_of(&tree, "KernelStack"), Some(1560 << 10));
    assert_eq!(
        bytes_of(&tree, "VmallocUsed - KernelStack"),
        Some((58_172 - 1560) << 10)
    );
}

#[test]
fn a_missing_line_is_no_line() {
    let mut counters = idle();
    counters.meminfo.remove("Percpu");
    let tree = balance(&counters, Threshold::Usual)
        .expect("it is not needed")
        .tree;
    assert_eq!(bytes_of(&tree, "Percpu"), None);
    counters.meminfo.remove("MemFree");
    let error = balance(&counters, Threshold::Usual).expect_err("it is needed");
    assert_eq!(
        error.to_string(),
        "/proc/meminfo has no readable line MemFree"
    );
}

#[test]
fn anonymous_pages_in_no_mapping_are_user_memory() {
    let mut counters = idle();
    for (line, kib) in [("Inactive", 65_536), ("MemFree", -65_536_i64)] {
        let bytes = counters.meminfo.get_mut(line).expect("it is there");
        *bytes = bytes.saturating_add_signed(kib << 10);
    }
    let after = balance(&counters, Threshold::Usual).expect("all lines are there");
    assert_eq!(after.unaccounted_bytes, 15_744 << 10);
}
