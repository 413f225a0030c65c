//! What of a finding is there still.

use super::shmem::used_bytes;
use crate::model::{Cause, Process, Snapshot};

/// What it has in this snapshot, in bytes; none if that cannot be told from a snapshot.
pub(super) fn remaining_bytes(cause: &Cause, now: &Snapshot) -> Option<u64> {
    match cause {
        Cause::Held(it) => {
            let groups = &now.page_holders.as_ref()?.groups;
            let same = groups.iter().filter(|group| group.key == it.key);
            Some(same.map(|group| group.account.pinned_bytes).sum())
        }
        Cause::FileSystem(it) => {
            now.shmem.as_ref()?.contents.as_ref()?;
            Some(used_bytes(now, it.device))
        }
        Cause::Process(it) | Cause::Killed(it) => {
            processes(now, |process| process.identity() == it.process.identity())
        }
        Cause::Difference(it) => processes(now, |process| process.command() == it.command),
        Cause::SlabCache { name, .. } => {
            let caches = now.memory.slabs.as_ref()?.iter();
            Some(
                caches
                    .filter(|it| it.name == *name)
                    .map(|it| it.bytes)
                    .sum(),
            )
        }
        Cause::Vmalloc {
            function, module, ..
        } => {
            let callers = now.memory.vmalloc.as_ref()?.iter();
            let same = callers.filter(|it| it.function == *function && it.module == *module);
            Some(same.map(|it| it.bytes).sum())
        }
        Cause::Site(_)
        | Cause::Counter(_)
        | Cause::Shmem(_)
        | Cause::Reserved { .. }
        | Cause::PageCache
        | Cause::OpenBook(_) => None,
    }
}

fn processes(now: &Snapshot, is_same: impl Fn(&Process) -> bool) -> Option<u64> {
    let processes = now.processes.as_ref()?.processes.iter();
    let same = processes.filter(|it| is_same(it));
    let kept = same.filter_map(Process::kept_bytes);
    Some(kept.fold(0, u64::saturating_add))
}
