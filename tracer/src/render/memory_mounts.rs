//! File systems in memory, in a line each for those of tmpfs and of huge pages.

use std::cmp::Reverse;

use super::{escape::harmless, text};
use crate::model::{MemoryFileSystem, Snapshot, Task};

/// The fullest file systems of tmpfs, of those with more than `smallest` bytes: `15.20 GiB /run (95.0 % of its limit)`.
pub(super) fn tmpfs(
    snapshot: &Snapshot,
    top: usize,
    smallest: u64,
) -> impl Iterator<Item = String> {
    let mut mounts: Vec<_> = mounts(snapshot).filter(|it| it.is_shmem()).collect();
    mounts.retain(|it| it.used_bytes.is_some_and(|bytes| bytes > smallest));
    mounts.sort_by_key(|it| Reverse(it.used_bytes));
    mounts.into_iter().take(top).map(|it| {
        let bytes = text::bytes(it.used_bytes.unwrap_or(0));
        let share = it.share_of_limit().map(|share| {
            let share = text::percent(share);
            format!(" ({share} of its limit)")
        });
        format!("{bytes} {}{}", place(it), share.unwrap_or_default())
    })
}

/// The file systems of huge pages: `/dev/hugepages (2.00 MiB each)`.
pub(super) fn hugetlb(snapshot: &Snapshot, top: usize) -> impl Iterator<Item = String> {
    let mounts = mounts(snapshot).filter(|it| !it.is_shmem()).take(top);
    mounts.map(|it| format!("{} ({} each)", place(it), text::bytes(it.page_bytes)))
}

fn mounts(snapshot: &Snapshot) -> impl Iterator<Item = &MemoryFileSystem> {
    snapshot.shmem.iter().flat_map(|shmem| &shmem.file_systems)
}

/// Where it is mounted, and for whom.
pub(super) fn place(it: &MemoryFileSystem) -> String {
    let point = harmless(&it.point);
    match &it.seen_by {
        Some(task) if point.is_empty() => format!("nowhere; {} has it open", process(task)),
        Some(task) => format!("{point}, for {}", process(task)),
        None => point.into_owned(),
    }
}

/// `app (pid 7)`
pub(super) fn process(task: &Task) -> String {
    format!("{} (pid {})", harmless(&task.name), task.pid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::shmem::sample::snapshot;

    #[test]
    fn the_fullest_tmpfs_says_how_near_its_limit_is() {
        let lines: Vec<_> = tmpfs(&snapshot(), 5, 0).collect();
        assert_eq!(lines, ["15.20 GiB /run (95.0 % of its limit)"]);
    }

    #[test]
    fn a_mount_of_hugetlb_says_the_size_of_its_pages() {
        let lines: Vec<_> = hugetlb(&snapshot(), 5).collect();
        assert_eq!(lines, ["/dev/hugepages (2.00 MiB each)"]);
    }
}
