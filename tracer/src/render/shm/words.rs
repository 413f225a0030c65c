//! Shared memory in words.

use super::super::{escape::harmless, memory_mounts::process, text};
use crate::model::{Feature, Holder, Holders, Limitation, ShmemBalance, ShmemEntry, ShmemKind};

/// The answer in one sentence.
pub(super) fn answer(balance: &ShmemBalance) -> String {
    let total = text::bytes(balance.total_bytes);
    let Some(largest) = &balance.largest else {
        return "No shmem is in use".to_owned();
    };
    let (bytes, name) = (text::bytes(largest.bytes), harmless(&largest.name));
    let place = match largest.kind {
        ShmemKind::FileSystem => format!("in {name} ({})", limit(largest)),
        ShmemKind::Unattributed => "held by nobody that is known".to_owned(),
        ShmemKind::SharedAnonymous => {
            format!("in shared anonymous memory: {}", held_by(largest))
        }
        _ => format!("in the {} {name}: {}", kind(largest.kind), held_by(largest)),
    };
    match balance.swapped_bytes {
        0 => format!("{total} of shmem, {bytes} of it {place}"),
        swapped => {
            let swapped = text::bytes(swapped);
            format!("{total} of shmem and {swapped} swapped out of it, {bytes} of both {place}")
        }
    }
}

/// `tmpfs, 95.0 % of its limit`
fn limit(file_system: &ShmemEntry) -> String {
    match file_system.limit_bytes.filter(|&limit| limit > 0) {
        Some(limit) => {
            let share = file_system.bytes as f64 / limit as f64;
            format!("tmpfs, {} of its limit", text::percent(share))
        }
        None => "tmpfs without a limit".to_owned(),
    }
}

/// What people call it.
pub(in crate::render) const fn kind(kind: ShmemKind) -> &'static str {
    match kind {
        ShmemKind::FileSystem => "tmpfs",
        ShmemKind::File => "file",
        ShmemKind::DeletedFile => "deleted file",
        ShmemKind::DetachedFile => "file of no mount",
        ShmemKind::Memfd => "memfd",
        ShmemKind::SharedAnonymous => "shared anonymous",
        ShmemKind::Segment => "SysV segment",
        ShmemKind::OrphanedSegment => "orphaned SysV segment",
        ShmemKind::Driver => "object of a driver",
        ShmemKind::Unattributed => "not attributed",
    }
}

/// Its name, and whose name that is.
pub(in crate::render) fn name(entry: &ShmemEntry) -> String {
    let name = harmless(&entry.name);
    match &entry.seen_by {
        Some(task) => format!("{name}, as {} sees it", process(task)),
        None => name.into_owned(),
    }
}

/// Who has it, or who made it.
pub(in crate::render) fn held_by(entry: &ShmemEntry) -> String {
    match (&entry.holders, &entry.creator) {
        (Holders { count: 0, .. }, Some(creator)) if creator.name.is_empty() => {
            format!("made by pid {}, which has ended", creator.pid)
        }
        (Holders { count: 0, .. }, Some(creator)) => format!("made by {}", process(creator)),
        (holders, _) => holders_of(holders),
    }
}

/// `app (pid 7, fd 3) and 2 more`
fn holders_of(holders: &Holders) -> String {
    let Some(first) = holders.first.first() else {
        return "-".to_owned();
    };
    let Holder { task, descriptor } = first;
    let by = match descriptor {
        Some(descriptor) => format!("fd {descriptor}"),
        None => "mapped".to_owned(),
    };
    let first = format!("{} (pid {}, {by})", harmless(&task.name), task.pid);
    match holders.count.saturating_sub(1) {
        0 => first,
        more => format!("{first} and {} more", text::count(more)),
    }
}

/// What to do about it.
pub(super) fn remedy(finding: &ShmemEntry) -> String {
    let (name, bytes) = (harmless(&finding.name), text::bytes(finding.bytes));
    let (kind, holders) = (kind(finding.kind), held_by(finding));
    match finding.kind {
        ShmemKind::FileSystem => format!(
            "{name} has {bytes} ({}): delete or rotate its files, and limit it: {}",
            limit(finding),
            finding.command('m', &format!("mount -o remount,size=SIZE {name}"))
        ),
        ShmemKind::OrphanedSegment => format!(
            "{kind} {name} ({bytes}, {holders}), if nobody waits for it: {}",
            finding.command('i', &format!("ipcrm -m {name}"))
        ),
        _ => format!("{kind} {name}, {bytes}, is freed once it is closed by {holders}"),
    }
}

/// Whether the numbers of shared memory depend on it.
pub(super) const fn concerns_shmem(limitation: &Limitation) -> bool {
    use Feature::{MemoryFileSystems, ProcessContents, SysvSegments};
    matches!(
        limitation.feature,
        MemoryFileSystems | ProcessContents | SysvSegments
    )
}
