//! Which kind of memory is too large.

use crate::model::{Culprit, Line, Threshold, Verdict};

/// Kinds that are large by mistake only, and what to do next: by the kernel's names of their
/// lines. What is unaccounted comes first: nothing else shows it.
const SUSPECTS: [(&str, &str); 9] = [
    ("MemTotal - all above", "pagetrace -i 600"),
    ("SUnreclaim", "pagetrace -i 600 --kind slab"),
    (
        "VmallocUsed - KernelStack",
        "pagetrace -i 600 --kind vmalloc",
    ),
    (
        "KernelStack",
        "ps -eLf | wc -l: there are very many threads",
    ),
    ("PageTables", "pagetrace -i 600 --kind page-table"),
    ("Percpu", "pagetrace -i 600 --kind percpu"),
    ("GPUActive + GPUReclaim", "the GPU's driver and its clients"),
    (
        "free - resv",
        "/sys/kernel/mm/hugepages: nobody uses them, and nothing else can",
    ),
    ("Shmem", "pagetrace shm"),
];

/// Finds the largest of the suspects that is above the threshold.
pub(super) fn verdict(tree: &Line, threshold: Threshold) -> Verdict {
    let threshold_bytes = threshold.bytes(tree.bytes.unsigned_abs());
    let suspects = SUSPECTS.iter().filter_map(|&(field, next)| {
        let lines: Vec<_> = tree.lines().filter(|line| line.field == field).collect();
        let bytes: i64 = lines.iter().map(|line| line.bytes).sum();
        let bytes = u64::try_from(bytes).ok()?;
        Some(Culprit {
            name: lines.first()?.name.clone(),
            bytes,
            next: next.to_owned(),
        })
    });
    let mut suspects = suspects.filter(|it| it.bytes >= threshold_bytes);
    Verdict {
        culprit: suspects.next(),
        threshold_bytes,
    }
}
