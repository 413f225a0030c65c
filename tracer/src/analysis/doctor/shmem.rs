//! File systems in memory, and shared memory that no name leads to.

use super::Facts;
use crate::{
    analysis::{
        balance::signed,
        shmem::{by_file_system, shmem as balance},
    },
    model::{
        Cause, FileSystemCause, Finding, Gravity, Holder, Remedy, ShmemEntry, ShmemKind, Snapshot,
        Sureness,
    },
};

/// A file system that is this full soon is full.
const NEARLY_FULL: f64 = 0.9;

/// What of it is much.
pub(super) fn shmem(facts: &Facts<'_>) -> Vec<Finding> {
    let systems = file_systems(&facts.evidence.after).into_iter();
    let systems = systems.filter(|(whole, _)| whole.bytes >= facts.large);
    let systems = systems.map(|(whole, files)| file_system(whole, files, facts));
    let pieces = balance(&facts.evidence.after).map(|it| it.ranking);
    let pieces = pieces.unwrap_or_default().into_iter();
    let pieces = pieces
        .filter(|it| it.bytes >= facts.large)
        .filter_map(piece);
    systems.chain(pieces).collect()
}

pub(super) fn file_systems(snapshot: &Snapshot) -> Vec<(ShmemEntry, Vec<ShmemEntry>)> {
    let shmem = snapshot.shmem.as_ref();
    let contents = shmem.and_then(|it| Some((it, it.contents.as_ref()?)));
    contents.map_or_else(Vec::new, |(shmem, contents)| {
        by_file_system(shmem, contents)
    })
}

fn file_system(whole: ShmemEntry, files: Vec<ShmemEntry>, facts: &Facts<'_>) -> Finding {
    let before = file_systems(&facts.evidence.before).into_iter();
    let mut before = before.filter(|(it, _)| it.name == whole.name);
    let before = before.next().map_or(0, |(it, _)| it.bytes);
    let growth = signed(whole.bytes).saturating_sub(signed(before));
    let deleted = files.iter().filter(|it| it.kind == ShmemKind::DeletedFile);
    let deleted_bytes = deleted.map(|it| it.bytes).fold(0, u64::saturating_add);
    let mapped = files.iter().filter(|it| is_mapped(it));
    let mapped: u64 = mapped.map(|it| it.bytes).fold(0, u64::saturating_add);
    let is_in_use = mapped > whole.bytes / 2;
    let grew = growth >= signed(facts.large / 4);
    let is_suspicious = is_nearly_full(&whole) || deleted_bytes >= facts.large / 2;
    Finding {
        gravity: match (is_in_use, grew, is_suspicious) {
            (true, ..) | (_, false, false) => Gravity::Information,
            (_, true, _) => Gravity::Leak,
            (_, false, true) => Gravity::Suspicious,
        },
        bytes: whole.bytes,
        growth_bytes: Some(growth),
        certainty: Sureness::Counted,
        remedies: remedies(&whole, &files, deleted_bytes),
        cause: Cause::FileSystem(Box::new(FileSystemCause {
            files: files.into_iter().take(5).collect(),
            whole,
            deleted_bytes,
        })),
    }
}

/// What is mapped and has no descriptor is memory that programs share, as databases do.
fn is_mapped(file: &ShmemEntry) -> bool {
    let mut holders = file.holders.first.iter();
    holders.any(|it| it.descriptor.is_none())
}

fn is_nearly_full(it: &ShmemEntry) -> bool {
    let limit = it.limit_bytes.filter(|&limit| limit > 0);
    limit.is_some_and(|limit| it.bytes as f64 >= NEARLY_FULL * limit as f64)
}

/// A deleted file gives its memory back once it is cut to nothing through whoever has it open; a limit
/// keeps the file system from taking all of memory.
fn remedies(whole: &ShmemEntry, files: &[ShmemEntry], deleted_bytes: u64) -> Vec<Remedy> {
    const LEAST: u64 = 64 << 20;
    let deleted = files.iter().filter(|it| it.kind == ShmemKind::DeletedFile);
    let cut = deleted.filter_map(|file| Some((file, open(file)?)));
    let cut = cut.map(|(file, (pid, fd))| {
        Remedy::giving(format!("truncate -s 0 /proc/{pid}/fd/{fd}"), file.bytes)
    });
    let named = whole.bytes.saturating_sub(deleted_bytes);
    let largest = files.iter().find(|it| it.kind == ShmemKind::File);
    let rotate = largest.map(|it| Remedy::giving(format!("rm {}", quoted(&it.name)), it.bytes));
    let limit = named.next_power_of_two().max(LEAST) >> 20;
    let point = quoted(&whole.name);
    let remount = Remedy::of(format!("mount -o remount,size={limit}M {point}"));
    let mut remedies: Vec<_> = cut.take(3).collect();
    remedies.extend(rotate);
    remedies.extend(whole.name.starts_with('/').then_some(remount));
    remedies
}

/// Who has it open, and by which descriptor.
fn open(file: &ShmemEntry) -> Option<(u32, u32)> {
    let open = |it: &Holder| Some((it.task.pid, it.descriptor?));
    file.holders.first.iter().find_map(open)
}

/// As a shell reads it back.
fn quoted(path: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,".contains(c);
    if path.chars().all(is_plain) {
        return path.to_owned();
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}

/// Memory that is in no file system with a name.
fn piece(entry: ShmemEntry) -> Option<Finding> {
    let gravity = match entry.kind {
        ShmemKind::OrphanedSegment | ShmemKind::DetachedFile => Gravity::Suspicious,
        ShmemKind::Memfd | ShmemKind::SharedAnonymous | ShmemKind::Segment | ShmemKind::Driver => {
            Gravity::Information
        }
        ShmemKind::FileSystem
        | ShmemKind::File
        | ShmemKind::DeletedFile
        | ShmemKind::Unattributed => return None,
    };
    let holder = entry.holders.first.first().map(|it| it.task.pid);
    let command = match (entry.kind, holder) {
        (ShmemKind::OrphanedSegment, _) => Some(format!("ipcrm -m {}", entry.name)),
        (_, Some(pid)) => Some(format!("kill {pid}")),
        (_, None) => None,
    };
    let gives = |command| Remedy::giving(command, entry.bytes);
    Some(Finding {
        gravity,
        bytes: entry.bytes,
        growth_bytes: None,
        certainty: Sureness::Counted,
        remedies: command.map(gives).into_iter().collect(),
        cause: Cause::Shmem(Box::new(entry)),
    })
}
