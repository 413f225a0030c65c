//! Where shared memory is, reconciled with `Shmem` of `/proc/meminfo`.

mod entries;
mod findings;
#[cfg(test)]
pub(crate) mod sample;

pub(super) use entries::by_file_system;
pub(super) use findings::is_nearly_full;

use std::cmp::Reverse;

use anyhow::{Context as _, Result};

use crate::model::{
    Line, MemoryFileSystem, Shmem, ShmemBalance, ShmemContents, ShmemKind, Snapshot, SysvSegment,
    Task,
};

/// Where the shared memory of this snapshot is; an error if the snapshot does not know.
pub fn shmem(snapshot: &Snapshot) -> Result<ShmemBalance> {
    let known = snapshot.shmem.as_ref();
    let known = known.and_then(|shmem| Some((shmem, shmem.contents.as_ref()?)));
    let (shmem, contents) = known.context("the snapshot does not say where shared memory is")?;
    let meminfo = &snapshot.memory.meminfo;
    let line = |name: &str| meminfo.get(name).copied().unwrap_or(0);
    let in_swap = line("SwapTotal").saturating_sub(line("SwapFree"));
    let known = known_lines(shmem, contents);
    let rest = signed(contents.after_bytes).saturating_sub(sum_of(&known));
    // Everything counts what is swapped out, and `Shmem` does not. Only segments tell how much.
    let told = sum(contents.segments.iter().map(|it| it.swapped_bytes));
    let swapped = in_swap.min(rest.min(0).unsigned_abs()).max(told);
    let unattributed = rest.saturating_add(signed(swapped));
    let ranking = entries::pieces(shmem, contents);
    Ok(ShmemBalance {
        total_bytes: contents.after_bytes,
        swapped_bytes: swapped,
        unattributed_bytes: unattributed,
        tree: tree(known, swapped, unknown(unattributed, contents)),
        largest: entries::largest(shmem, contents, &ranking, unattributed),
        findings: findings::findings(shmem, contents, &ranking, line("MemTotal")),
        ranking,
    })
}

/// All that is known, a line for each kind.
fn known_lines(shmem: &Shmem, contents: &ShmemContents) -> Vec<Line> {
    use ShmemKind::{Driver, Memfd, SharedAnonymous};
    let known = [
        mounted(shmem, contents),
        without_names(contents, "memfds", "memfd_create", Memfd),
        without_names(contents, "shared anonymous", "/dev/zero", SharedAnonymous),
        segments(contents),
        without_names(contents, "of drivers", "", Driver),
    ];
    known.into_iter().filter(|line| line.bytes != 0).collect()
}

fn tree(known: Vec<Line>, swapped: u64, unknown: Line) -> Line {
    let swapped = Some(swapped).filter(|&bytes| bytes != 0);
    let swapped = swapped.map(|bytes| Line::leaf("swapped out of these", "", -signed(bytes)));
    let parts = known.into_iter().chain(swapped).chain([unknown]);
    Line::of("shmem", "Shmem", parts)
}

fn sum_of(lines: &[Line]) -> i64 {
    let bytes = lines.iter().map(|line| line.bytes);
    bytes.fold(0, i64::saturating_add)
}

/// What nobody is known to have. Processes that show nothing else show how much they have
/// mapped: no more of it can be theirs.
fn unknown(unattributed: i64, contents: &ShmemContents) -> Line {
    const NAME: &str = "not attributed";
    const FIELD: &str = "Shmem - all above";
    let hidden = signed(contents.unreadable_mapped_bytes).min(unattributed);
    if hidden <= 0 {
        return Line::leaf(NAME, FIELD, unattributed);
    }
    let parts = [
        Line::leaf("at most, in hidden processes", "RssShmem", hidden),
        Line::leaf("at least, elsewhere", "", unattributed - hidden),
    ];
    Line::of(NAME, FIELD, parts)
}

fn mounted(shmem: &Shmem, contents: &ShmemContents) -> Line {
    let lines = shmem.file_systems.iter().filter(|it| it.is_shmem());
    let mut lines: Vec<_> = lines.map(|it| file_system(it, contents)).collect();
    lines.sort_by_key(|line| Reverse(line.bytes));
    Line::of("file systems in memory", "statfs", lines)
}

fn file_system(it: &MemoryFileSystem, contents: &ShmemContents) -> Line {
    let all = used_bytes(it, contents);
    let deleted = deleted_bytes(it, contents).min(all);
    let name = match &it.seen_by {
        Some(Task { pid, name }) => format!("{}, for {name} (pid {pid})", entries::name_of(it)),
        None => entries::name_of(it),
    };
    let total = Line::leaf(&name, &it.kind, signed(all));
    if deleted == 0 {
        return total;
    }
    let parts = [
        Line::leaf("files", "", signed(all - deleted)),
        Line::leaf("deleted files, open or mapped", "", signed(deleted)),
    ];
    Line::of(&name, &it.kind, parts)
}

/// What a file system has. One without a limit does not say; its files do.
fn used_bytes(it: &MemoryFileSystem, contents: &ShmemContents) -> u64 {
    it.used_bytes.unwrap_or_else(|| {
        let named = it.files.as_ref().map_or(0, |files| files.bytes);
        named.saturating_add(deleted_bytes(it, contents))
    })
}

fn deleted_bytes(it: &MemoryFileSystem, contents: &ShmemContents) -> u64 {
    let objects = contents.objects.iter();
    let of_it = objects.filter(|object| object.device == it.device);
    sum(of_it.filter_map(|object| object.bytes))
}

fn without_names(contents: &ShmemContents, name: &str, field: &str, kind: ShmemKind) -> Line {
    let objects = contents.objects.iter().filter(|it| it.kind == kind);
    let bytes = sum(objects.filter_map(|it| it.bytes));
    Line::leaf(name, field, signed(bytes))
}

fn segments(contents: &ShmemContents) -> Line {
    let counted = || contents.segments.iter().filter(|it| !it.is_huge);
    let (orphaned, attached): (Vec<_>, Vec<_>) = counted().partition(|it| it.attached == 0);
    let bytes = |segments: &[&SysvSegment]| sum(segments.iter().map(|it| it.bytes()));
    let unlisted = without_names(contents, "", "", ShmemKind::Segment).bytes;
    let parts = [
        Line::leaf(
            "attached",
            "nattch > 0",
            signed(bytes(&attached)).saturating_add(unlisted),
        ),
        Line::leaf("orphaned", "nattch = 0", signed(bytes(&orphaned))),
    ];
    Line::of("System V segments", "sysvipc/shm", parts)
}

fn sum(bytes: impl Iterator<Item = u64>) -> u64 {
    bytes.fold(0, u64::saturating_add)
}

/// No machine has 8 EiB.
fn signed(bytes: u64) -> i64 {
    bytes.try_into().unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "shmem/tests.rs"]
mod tests;
