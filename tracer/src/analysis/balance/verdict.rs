//! Which kind of memory is too large.

use crate::model::{Culprit, Line, Threshold, Verdict};

/// A kind of memory that is large by mistake only.
struct Suspect {
    /// What to call it.
    name: &'static str,
    /// The kernel's name of its line.
    field: &'static str,
    /// What to do next.
    next: &'static str,
}

const fn suspect(name: &'static str, field: &'static str, next: &'static str) -> Suspect {
    Suspect { name, field, next }
}

/// What is unaccounted comes first: nothing else shows it.
const SUSPECTS: [Suspect; 9] = [
    suspect(
        "of memory in no counter",
        "MemTotal - all above",
        "pagetrace -i 600",
    ),
    suspect(
        "of unreclaimable slab",
        "SUnreclaim",
        "pagetrace -i 600 --kind slab",
    ),
    suspect(
        "of vmalloc",
        "VmallocUsed - KernelStack",
        "pagetrace -i 600 --kind vmalloc",
    ),
    suspect(
        "of kernel stacks",
        "KernelStack",
        "ps -eo nlwp,pid,comm --sort -nlwp | head",
    ),
    suspect(
        "of page tables",
        "PageTables",
        "pagetrace -i 600 --kind page-table",
    ),
    suspect(
        "of per-CPU memory",
        "Percpu",
        "pagetrace -i 600 --kind percpu",
    ),
    suspect(
        "of GPU memory",
        "GPUActive + GPUReclaim",
        "pagetrace mem -v",
    ),
    suspect(
        "of idle huge pages",
        "free - resv",
        "lower nr_hugepages in /sys/kernel/mm/hugepages",
    ),
    suspect("of shmem", "Shmem", "pagetrace shm"),
];

/// Finds the first of the suspects that is above the threshold.
pub(super) fn verdict(tree: &Line, threshold: Threshold) -> Verdict {
    let threshold_bytes = threshold.bytes(tree.bytes.unsigned_abs());
    let suspects = SUSPECTS.iter().map(|suspect| {
        let lines = tree.lines().filter(|line| line.field == suspect.field);
        let bytes: i64 = lines.map(|line| line.bytes).sum();
        Culprit {
            name: suspect.name.to_owned(),
            field: suspect.field.to_owned(),
            bytes: bytes.try_into().unwrap_or(0),
            next: suspect.next.to_owned(),
        }
    });
    let mut suspects = suspects.filter(|it| it.bytes >= threshold_bytes);
    Verdict {
        culprit: suspects.next(),
        threshold_bytes,
    }
}
