//! System V segments, of every IPC namespace.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    fs::{self, File},
    io,
    os::fd::AsFd as _,
    thread,
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::{
    limits::AS_ROOT,
    processes::{self, Process, Processes, name},
};
use crate::{
    kernel::sysvipc,
    model::{Feature, Limitation, SysvSegment, Task},
};

/// The segments of each IPC namespace that could be read, by the inode of the namespace.
pub(super) type Tables = BTreeMap<u64, Vec<SysvSegment>>;

/// Where the kernel lists the segments of the reader's IPC namespace.
const SEGMENTS: &str = "/proc/sysvipc/shm";

/// The segments, and why some could not be read.
pub(super) fn tables(processes: &Processes) -> (Tables, Option<Limitation>) {
    let (mut tables, mut unread) = (Tables::new(), None);
    for (index, group) in processes.by(|it| it.ipc).iter().enumerate() {
        let is_own = index == 0;
        let texts = group.iter().map(|process| {
            let text = if is_own { own() } else { foreign(*process) };
            text.map(|text| (*process, text))
        });
        match first(texts) {
            Some(Ok((process, text))) => {
                let task = (!is_own).then(|| process.task());
                let namespace = process.ipc.unwrap_or_default();
                tables.insert(namespace, segments(&text, task.as_ref()));
            }
            Some(Err(error)) => unread = Some(limitation(&error)),
            None => {}
        }
    }
    (tables, unread)
}

/// The first that worked, or else the last error: a process can end while it is looked at.
fn first<T>(results: impl Iterator<Item = io::Result<T>>) -> Option<io::Result<T>> {
    let mut last = None;
    for result in results {
        let is_found = result.is_ok();
        last = Some(result);
        if is_found {
            break;
        }
    }
    last
}

fn segments(text: &str, seen_by: Option<&Task>) -> Vec<SysvSegment> {
    let mut segments = sysvipc::segments(text);
    for segment in &mut segments {
        segment.seen_by = seen_by.cloned();
        let changed_at = segment.changed_at;
        if let Some(creator) = &mut segment.creator
            && was_there(creator.pid, changed_at)
        {
            creator.name = name(creator.pid).unwrap_or_default();
        }
    }
    segments
}

/// Whether this process had started by then: if not, it only has the process id of the creator.
/// The clock may have been set a little meanwhile.
fn was_there(pid: u32, then: Option<u64>) -> bool {
    const SET: u64 = 60;
    let started = processes::started_at(pid);
    started
        .zip(then)
        .is_some_and(|(started, then)| started <= then.saturating_add(SET))
}

fn own() -> io::Result<String> {
    fs::read_to_string(SEGMENTS)
}

/// What a thread in the namespace of this process reads. The thread ends in it.
fn foreign(process: Process) -> io::Result<String> {
    let namespace = File::open(format!("/proc/{}/ns/ipc", process.pid))?;
    let kind = LinkNameSpaceType::InterProcessCommunication;
    thread::scope(|scope| {
        let reader = thread::Builder::new().spawn_scoped(scope, || {
            move_into_link_name_space(namespace.as_fd(), Some(kind))?;
            own()
        })?;
        let broken = |_| Err(io::Error::other("the reader of a namespace broke off"));
        reader.join().unwrap_or_else(broken)
    })
}

fn limitation(error: &io::Error) -> Limitation {
    let reason = format!("those of an IPC namespace cannot be read: {error}");
    Feature::SysvSegments.degraded(reason).remedied(AS_ROOT)
}

/// All segments, largest first.
pub(super) fn largest_first(tables: Tables) -> Vec<SysvSegment> {
    let mut segments: Vec<_> = tables.into_values().flatten().collect();
    segments.sort_by_key(|it| (Reverse(it.resident_bytes), it.id));
    segments
}
