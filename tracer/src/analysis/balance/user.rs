//! Memory of user space.

use super::fields::{Fields, signed};
use crate::model::{HugePages, Line};

/// Every line of user memory.
pub(super) fn user(fields: &Fields<'_>) -> Line {
    let shmem = fields.bytes("Shmem");
    let files = fields.bytes("Cached") - shmem;
    let mut parts = vec![
        Line::leaf("anonymous", "AnonPages", fields.bytes("AnonPages")),
        Line::leaf("page cache of files", "Cached - Shmem", files),
        Line::leaf("shmem: tmpfs, shared, memfd", "Shmem", shmem),
        Line::leaf("page cache of devices", "Buffers", fields.bytes("Buffers")),
    ];
    parts.extend(unmapped(fields));
    parts.extend(hugetlb(&fields.counters.huge_pages));
    Line::of("user", "", parts)
}

/// Anonymous pages that no process has mapped: in the swap cache, or pinned by somebody. They
/// are on the LRU lists and in no counter. `SwapCached` is no help: a page can be mapped and in
/// the swap cache at once, and would be counted twice.
fn unmapped(fields: &Fields<'_>) -> Option<Line> {
    let lists = ["Active", "Inactive", "Unevictable"];
    let listed: Option<i64> = lists.iter().map(|name| fields.optional(name)).sum();
    let isolated = ["nr_isolated_anon", "nr_isolated_file"];
    let isolated = isolated.iter().filter_map(|name| fields.vmstat_pages(name));
    let counted: i64 = ["AnonPages", "Cached", "Buffers"]
        .iter()
        .map(|name| fields.bytes(name))
        .sum();
    let bytes = listed? + isolated.sum::<i64>() - counted;
    let field = "Active + Inactive + Unevictable - AnonPages - Cached - Buffers";
    // New pages wait in batches of CPUs before they are on a list.
    Some(Line::leaf("anonymous, not mapped", field, bytes.max(0)))
}

/// Huge pages of every size; `HugePages_Total` is of the default size only.
fn hugetlb(pools: &[HugePages]) -> Option<Line> {
    let parts = pools.iter().filter(|pool| pool.total > 0).flat_map(|pool| {
        let idle = pool.idle_bytes();
        let size = pool.page_bytes >> 10;
        let line = |name: &str, field, bytes: u64| {
            let name = format!("{name}, {size} KiB each");
            Line::leaf(&name, field, signed(bytes))
        };
        [
            line("used or promised", "nr - free + resv", pool.bytes() - idle),
            line("idle", "free - resv", idle),
        ]
    });
    let line = Line::of("huge pages (hugetlb)", "nr_hugepages of every size", parts);
    (!line.parts.is_empty()).then_some(line)
}
