//! What should be done something about.

use std::cmp::Reverse;

use super::entries;
use crate::model::{Shmem, ShmemContents, ShmemEntry, ShmemKind};

/// A file system that is this full soon is full.
const NEARLY_FULL: f64 = 0.9;

/// File systems that are nearly full or have a tenth of memory, deleted files and orphaned
/// segments; largest first. `total` is all of memory; less than a thousandth is not worth it.
pub(super) fn findings(
    shmem: &Shmem,
    contents: &ShmemContents,
    pieces: &[ShmemEntry],
    total: u64,
) -> Vec<ShmemEntry> {
    let is_large = |it: &ShmemEntry| it.bytes >= total / 10;
    let whole = entries::file_systems(shmem, contents);
    let whole = whole.filter(|it| is_large(it) || is_nearly_full(it));
    let pieces = pieces.iter().filter(|it| {
        use ShmemKind::{DeletedFile, DetachedFile, OrphanedSegment};
        matches!(it.kind, DeletedFile | DetachedFile | OrphanedSegment)
    });
    let mut findings: Vec<_> = whole.chain(pieces.cloned()).collect();
    findings.retain(|it| it.bytes >= total / 1000);
    findings.sort_by_key(|it| Reverse(it.bytes));
    findings
}

/// Whether a file system soon has all that it can have.
pub(in crate::analysis) fn is_nearly_full(it: &ShmemEntry) -> bool {
    let limit = it.limit_bytes.filter(|&limit| limit > 0);
    limit.is_some_and(|limit| it.bytes as f64 >= NEARLY_FULL * limit as f64)
}
