//! What stands below the tree of memory, in a line each: what lies across it, holders, the largest
//! slab caches, callers of vmalloc and file systems in memory, and what could not be read.

use std::cmp::Reverse;

use super::{escape::harmless, holders, memory_mounts, styles::FAINT, table::Extent, text};
use crate::model::{Balance, Line, MemReport, Snapshot};

/// What stands below the tree.
pub(super) struct Details {
    pub(super) lines: Vec<String>,
    /// How many more there are.
    pub(super) hidden: usize,
}

/// At most `room` lines unless all are wanted. Of things of less than `smallest` bytes there are
/// none then.
pub(super) fn details(report: &MemReport, extent: Extent, smallest: u64, room: usize) -> Details {
    let unread = unread(report, extent.whole);
    let mut lines = parts(report, extent, smallest);
    let room = if extent.whole {
        lines.len()
    } else {
        room.saturating_sub(unread.len())
    };
    let hidden = lines.len().saturating_sub(room);
    lines.truncate(room);
    lines.extend(unread);
    Details { lines, hidden }
}

fn parts(report: &MemReport, extent: Extent, smallest: u64) -> Vec<String> {
    let (snapshot, top) = (&report.snapshot, extent.top);
    let across = across(&report.balance, smallest);
    let beside = holders::beside(snapshot.holders(), extent, smallest);
    let largest = [
        slabs(snapshot, top, smallest),
        listed(
            "Fullest tmpfs",
            memory_mounts::tmpfs(snapshot, top, smallest),
        ),
        vmalloc(snapshot, top, smallest),
        listed("Mounts of hugetlb", memory_mounts::hugetlb(snapshot, top)),
    ];
    let largest = largest.into_iter().flatten();
    across.into_iter().chain(beside).chain(largest).collect()
}

/// Parts that lie across the tree.
fn across(balance: &Balance, smallest: u64) -> Option<String> {
    let is_large = |line: &&Line| line.bytes.unsigned_abs() > smallest;
    let parts = balance.within.iter().filter(is_large);
    let parts = parts.map(|line| format!("{} {}", text::signed_bytes(line.bytes), line.name));
    listed("Of these", parts)
}

fn slabs(snapshot: &Snapshot, top: usize, smallest: u64) -> Option<String> {
    let mut caches: Vec<_> = snapshot.memory.slabs.iter().flatten().collect();
    caches.retain(|cache| cache.bytes > smallest);
    caches.sort_by_key(|cache| Reverse(cache.bytes));
    let caches = caches.into_iter().take(top);
    let caches = caches.map(|it| format!("{} {}", text::bytes(it.bytes), harmless(&it.name)));
    let caches = listed("Largest slab caches", caches);
    let dying = snapshot.memory.dying_memory_cgroups.filter(|&it| it > 0);
    let dying = dying.map(|count| text::counted(count, "dying memory cgroup"));
    let parts: Vec<_> = caches.into_iter().chain(dying).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn vmalloc(snapshot: &Snapshot, top: usize, smallest: u64) -> Option<String> {
    let mut callers: Vec<_> = snapshot.memory.vmalloc.iter().flatten().collect();
    callers.retain(|caller| caller.bytes > smallest);
    callers.sort_by_key(|caller| Reverse(caller.bytes));
    let callers = callers.into_iter().take(top).map(|it| {
        let name = text::with_module(&it.function, it.module.as_deref());
        format!("{} {name}", text::bytes(it.bytes))
    });
    listed("Largest callers of vmalloc", callers)
}

fn listed(title: &str, parts: impl Iterator<Item = String>) -> Option<String> {
    let parts: Vec<_> = parts.collect();
    (!parts.is_empty()).then(|| format!("{title}: {}", parts.join(", ")))
}

/// What could not be read: a line each with the reason, or the names of all in one.
fn unread(report: &MemReport, whole: bool) -> Vec<String> {
    let limitations: Vec<_> = report.limitations().collect();
    let lines = if whole || limitations.len() < 2 {
        limitations.into_iter().map(text::limitation).collect()
    } else {
        let mut names: Vec<_> = limitations.iter().map(|it| it.feature.name()).collect();
        names.sort_unstable();
        names.dedup();
        vec![format!(
            "Not known, --verbose says why: {}",
            names.join(", ")
        )]
    };
    let faint = |line| format!("{FAINT}{line}{FAINT:#}");
    lines.into_iter().map(faint).collect()
}
