//! File systems in memory, and shared memory that no name leads to.

use super::Facts;
use crate::{
    analysis::{
        balance::signed,
        shmem::{by_file_system, is_nearly_full, shmem as balance},
    },
    model::{
        Cause, Device, FileSystemCause, Finding, Gravity, Holder, Remedy, ShmemEntry, ShmemKind,
        Snapshot, Sureness,
    },
};

/// What of it is much.
pub(super) fn shmem(facts: &Facts<'_>) -> Vec<Finding> {
    let systems = file_systems(&facts.evidence.after).into_iter();
    let systems = systems.filter(|it| it.whole.bytes >= facts.large);
    let systems = systems.map(|it| file_system(it, facts));
    let pieces = balance(&facts.evidence.after).map(|it| it.ranking);
    let pieces = pieces.unwrap_or_default().into_iter();
    let pieces = pieces
        .filter(|it| it.bytes >= facts.large)
        .filter_map(piece);
    systems.chain(pieces).collect()
}

fn file_systems(snapshot: &Snapshot) -> Vec<FileSystemCause> {
    let shmem = snapshot.shmem.as_ref();
    let contents = shmem.and_then(|it| Some((it, it.contents.as_ref()?)));
    contents.map_or_else(Vec::new, |(shmem, contents)| {
        by_file_system(shmem, contents)
    })
}

/// What the file system on this device has; none if it is not there.
pub(super) fn used_bytes(snapshot: &Snapshot, device: Device) -> u64 {
    let mut all = file_systems(snapshot).into_iter();
    let same = all.find(|it| it.device == device);
    same.map_or(0, |it| it.whole.bytes)
}

fn file_system(it: FileSystemCause, facts: &Facts<'_>) -> Finding {
    const FILES: usize = 5;
    let before = used_bytes(&facts.evidence.before, it.device);
    let growth = signed(it.whole.bytes).saturating_sub(signed(before));
    Finding {
        gravity: gravity(&it, growth, facts.large),
        bytes: it.whole.bytes,
        growth_bytes: Some(growth),
        certainty: Sureness::Counted,
        remedies: remedies(&it),
        cause: Cause::FileSystem(Box::new(FileSystemCause {
            files: it.files.into_iter().take(FILES).collect(),
            ..it
        })),
    }
}

fn gravity(it: &FileSystemCause, growth: i64, large: u64) -> Gravity {
    let mapped = it.files.iter().filter(|file| is_mapped(file));
    let mapped = mapped.map(|file| file.bytes).fold(0, u64::saturating_add);
    let is_in_use = mapped > it.whole.bytes / 2;
    let is_suspicious = is_nearly_full(&it.whole) || it.deleted_bytes >= large / 2;
    match (is_in_use, growth >= signed(large / 4), is_suspicious) {
        (true, ..) | (_, false, false) => Gravity::Information,
        (_, true, _) => Gravity::Leak,
        (_, false, true) => Gravity::Suspicious,
    }
}

/// What is mapped and has no descriptor is memory that programs share, as databases do.
fn is_mapped(file: &ShmemEntry) -> bool {
    let mut holders = file.holders.first.iter();
    holders.any(|it| it.descriptor.is_none())
}

/// A deleted file gives its memory back once it is cut to nothing through whoever has it open; so does
/// one that is open and has its name still, which to remove would not. A limit keeps the file system from
/// taking all of memory.
fn remedies(it: &FileSystemCause) -> Vec<Remedy> {
    const LEAST: u64 = 64 << 20;
    let deleted = |file: &&ShmemEntry| file.kind == ShmemKind::DeletedFile;
    let deleted = it.files.iter().filter(deleted).filter_map(cut);
    let named = it.files.iter().find(|file| file.kind == ShmemKind::File);
    let rotate = named.map(|file| cut(file).unwrap_or_else(|| removed(file)));
    let left = it.whole.bytes.saturating_sub(it.deleted_bytes);
    let limit = left.next_power_of_two().max(LEAST) >> 20;
    let point = quoted(&it.whole.name);
    let remount = format!("mount -o remount,size={limit}M {point}");
    let remount = Remedy::of(it.whole.command('m', &remount));
    let mut remedies: Vec<_> = deleted.take(3).collect();
    remedies.extend(rotate);
    remedies.extend(it.whole.name.starts_with('/').then_some(remount));
    remedies
}

/// Through whoever has it open; none if nobody has.
fn cut(file: &ShmemEntry) -> Option<Remedy> {
    let (pid, fd) = open(file)?;
    let command = format!("truncate -s 0 /proc/{pid}/fd/{fd}");
    Some(Remedy::giving(command, file.bytes))
}

fn removed(file: &ShmemEntry) -> Remedy {
    let command = format!("rm {}", quoted(&file.name));
    Remedy::giving(file.command('m', &command), file.bytes)
}

/// Who has it open, and by which descriptor.
fn open(file: &ShmemEntry) -> Option<(u32, u32)> {
    let open = |it: &Holder| Some((it.task.pid, it.descriptor?));
    file.holders.first.iter().find_map(open)
}

/// As a shell reads it back.
pub(super) fn quoted(path: &str) -> String {
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
        (ShmemKind::OrphanedSegment, _) => {
            Some(entry.command('i', &format!("ipcrm -m {}", entry.name)))
        }
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
