//! What could not be looked at.

use super::processes::Process;
use crate::{
    kernel::host::process_namespace,
    model::{Feature, Limitation, MemoryFileSystem, ShmemObject},
};

/// File systems that could not be looked at, or not as a whole.
pub(super) fn of_file_systems(file_systems: &[MemoryFileSystem]) -> Vec<Limitation> {
    let limitations = [hidden(file_systems), unfinished(file_systems)];
    limitations.into_iter().flatten().collect()
}

/// Those whose files were not all seen.
fn unfinished(file_systems: &[MemoryFileSystem]) -> Option<Limitation> {
    let files = file_systems.iter().filter_map(|it| it.files.as_ref());
    let unfinished = files.filter(|files| !files.is_complete).count();
    (unfinished > 0).then(|| {
        let reason = format!(
            "of {unfinished} of {}, larger files can be than those that were found",
            file_systems.len()
        );
        Feature::MemoryFileSystems.degraded(reason)
    })
}

/// Those that nobody could open: something is mounted upon them.
fn hidden(file_systems: &[MemoryFileSystem]) -> Option<Limitation> {
    let is_hidden = |it: &&MemoryFileSystem| it.page_bytes == 0;
    let hidden: Vec<_> = file_systems.iter().filter(is_hidden).collect();
    let points: Vec<_> = hidden.iter().map(|it| it.point.as_str()).collect();
    (!hidden.is_empty()).then(|| {
        let reason = format!(
            "{} of {} cannot be reached, mostly since something else is mounted upon them: {}",
            hidden.len(),
            file_systems.len(),
            points.join(", ")
        );
        let limitation = Feature::MemoryFileSystems.degraded(reason);
        limitation.remedied(AS_ROOT)
    })
}

/// Processes that do not show what they have open and mapped, and those that are not seen.
pub(super) fn of_processes(unreadable: &[Process], processes: u64) -> Vec<Limitation> {
    let mut limitations = Vec::new();
    if !unreadable.is_empty() {
        let reason = format!(
            "{} of {processes} processes do not show what they have open and mapped: {}",
            unreadable.len(),
            named(unreadable)
        );
        limitations.push(Feature::ProcessContents.degraded(reason).remedied(AS_ROOT));
    }
    if !sees_all_processes() {
        let reason = "processes outside of this process id namespace are not seen";
        let limitation = Feature::ProcessContents.degraded(reason);
        limitations.push(limitation.remedied("run it on the host"));
    }
    limitations
}

/// `systemd (pid 1), nginx (pid 7), …`
fn named(processes: &[Process]) -> String {
    const NAMED: usize = 3;
    let tasks = processes.iter().take(NAMED).map(|it| it.task());
    let mut names: Vec<_> = tasks
        .map(|task| format!("{} (pid {})", task.name, task.pid))
        .collect();
    if processes.len() > NAMED {
        names.push("…".to_owned());
    }
    names.join(", ")
}

/// Memory whose size the kernel tells only root: nobody has it open, somebody has it mapped.
pub(super) fn of_objects(objects: &[ShmemObject]) -> Option<Limitation> {
    let unknown = objects.iter().filter(|it| it.bytes.is_none()).count();
    (unknown > 0).then(|| {
        let reason = format!("the size of {unknown} pieces of memory that are mapped is not told");
        Feature::ProcessContents.degraded(reason).remedied(AS_ROOT)
    })
}

/// What to do where a right is missing.
pub(super) const AS_ROOT: &str = "run it as root";

fn sees_all_processes() -> bool {
    // PROC_PID_INIT_INO of include/linux/proc_ns.h.
    const INITIAL: u64 = 0xefff_fffc;
    // A kernel without such namespaces has no such file.
    process_namespace().map_or(true, |(_, inode)| inode == INITIAL)
}
