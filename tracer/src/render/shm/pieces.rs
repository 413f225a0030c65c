//! The largest pieces of shared memory, and all file systems in memory.

use std::cmp::Reverse;

use super::{
    super::{columns::columns, escape::harmless, memory_mounts::place, text},
    words,
};
use crate::model::{MemoryFileSystem, Shmem, ShmemBalance, ShmemEntry};

/// The largest files, memfds and segments, the header first.
pub(super) fn ranking(balance: &ShmemBalance, top: usize) -> Vec<String> {
    const HEADER: [&str; 4] = ["BYTES", "KIND", "HELD BY", "NAME"];
    columns(HEADER, balance.ranking.iter().take(top).map(piece), 1)
}

fn piece(entry: &ShmemEntry) -> [String; 4] {
    [
        text::bytes(entry.bytes),
        words::kind(entry.kind).to_owned(),
        words::held_by(entry),
        words::name(entry),
    ]
}

/// What the ranking leaves out.
pub(super) fn hidden(balance: &ShmemBalance, top: usize) -> Option<String> {
    let hidden = balance.ranking.get(top..).unwrap_or_default();
    (!hidden.is_empty()).then(|| {
        let sizes = hidden.iter().map(|entry| entry.bytes);
        let bytes = text::bytes(sizes.fold(0, u64::saturating_add));
        let number = text::count(hidden.len() as u64);
        format!("{bytes} in {number} more; --top N shows them")
    })
}

/// Every file system in memory, the fullest first, after the header.
pub(super) fn file_systems(shmem: Option<&Shmem>) -> Vec<String> {
    const HEADER: [&str; 6] = ["USED", "LIMIT", "SHARE", "MOUNTS", "KIND", "MOUNTED ON"];
    let mut all: Vec<_> = shmem.iter().flat_map(|it| &it.file_systems).collect();
    all.sort_by_key(|it| Reverse(it.used_bytes));
    columns(HEADER, all.into_iter().map(file_system), 4)
}

fn file_system(it: &MemoryFileSystem) -> [String; 6] {
    let bytes = |bytes: Option<u64>| bytes.map_or_else(|| "-".to_owned(), text::bytes);
    [
        bytes(it.used_bytes),
        bytes(it.limit_bytes),
        it.share_of_limit()
            .map_or_else(|| "-".to_owned(), text::percent),
        text::count(it.mounts),
        harmless(&it.kind).into_owned(),
        place(it),
    ]
}
