//! Tasks and their descriptors, from the slabs of `task_struct`.

use std::collections::HashSet;

use super::{
    layouts::TaskLayout,
    walk::{Walker, is_kernel},
};
use crate::{
    kernel::{
        bytes::{half, word},
        read_memory::ReadMemory,
    },
    model::{FoundTask, Holding, ObjectKind, Weight},
};

/// A descriptor: the file, and the place of the task in what was found.
pub(super) struct Descriptor {
    pub(super) file: u64,
    pub(super) task: u32,
    pub(super) number: u32,
}

/// What a `task_struct` says.
struct Task {
    address: u64,
    is_first: bool,
    files: u64,
    fragment: u64,
    /// The queue of runnable tasks that it is of.
    queue: u64,
    task: FoundTask,
}

/// The descriptors of all tasks. Those that share a table are named by the first of their process.
pub(super) fn descriptors<M: ReadMemory>(walker: &mut Walker<'_, M>) -> Vec<Descriptor> {
    let mut tasks = tasks(walker);
    tasks.sort_by_key(|task| (!task.is_first, task.task.pid, task.address));
    let mut tables = HashSet::new();
    let mut found = Vec::new();
    let queues = tasks.iter().map(|task| task.queue);
    walker.task_queues = queues.filter(|queue| is_kernel(*queue)).collect();
    for task in tasks {
        let holds = walker.places.of_page(task.fragment);
        let has_table = is_kernel(task.files) && tables.insert(task.files);
        if holds.is_none() && !has_table {
            continue;
        }
        let place = walker.found.add_task(task.task);
        if let Some(frame) = holds {
            fragment(walker, task.address, place, frame);
        }
        if has_table {
            found.extend(table(walker, task.files, place));
        }
    }
    found
}

/// A task keeps the last page that it took data for a socket from.
fn fragment<M: ReadMemory>(walker: &mut Walker<'_, M>, task: u64, place: u32, frame: u64) {
    let object = walker.add(ObjectKind::TaskFragment, task);
    walker.object(object).holding = Holding::Task(place);
    walker.refer_frame(object, Some(frame), Weight::Each);
}

/// All tasks that live.
fn tasks<M: ReadMemory>(walker: &mut Walker<'_, M>) -> Vec<Task> {
    let layout = walker.layouts.task;
    let queue = walker.layouts.softnet.as_ref().ok();
    let queue = queue.map(|it| it.task_queue);
    let Some(cache) = walker.caches.get("task_struct").copied() else {
        return Vec::new();
    };
    let mut tasks = Vec::new();
    walker.each_object(cache, |address, bytes| {
        tasks.extend(task(&layout, queue, address, bytes));
    });
    // Who has left the list of its process has ended, whatever its memory still says.
    tasks.retain(|task| {
        let node = task.address + layout.thread_node;
        let next = walker.memory.word(node);
        next.is_some_and(|next| is_kernel(next) && walker.memory.word(next + 8) == Some(node))
    });
    tasks
}

fn task(layout: &TaskLayout, queue: Option<u64>, address: u64, bytes: &[u8]) -> Option<Task> {
    let word_at = |at: u64| word(bytes, at as usize);
    let half_at = |at: u64| half(bytes, at as usize);
    if !is_kernel(word_at(layout.thread_node)?) {
        return None;
    }
    let (pid, process) = (half_at(layout.pid)?, half_at(layout.tgid)?);
    let name = bytes.get(layout.name as usize..)?.first_chunk::<16>()?;
    let end = name.iter().position(|&byte| byte == 0).unwrap_or(16);
    Some(Task {
        address,
        is_first: pid == process,
        files: word_at(layout.files)?,
        fragment: word_at(layout.fragment)?,
        queue: queue.and_then(word_at).unwrap_or(0),
        task: FoundTask {
            pid: process,
            name: String::from_utf8_lossy(&name[..end]).into_owned(),
            state: state(half_at(layout.state)?),
        },
    })
}

/// `TASK_UNINTERRUPTIBLE`, `TASK_STOPPED` and the like (include/linux/sched.h), by the letters of
/// `/proc/PID/stat`.
const fn state(bits: u32) -> char {
    match bits {
        0 => 'R',
        _ if bits & 0x4 != 0 => 'T',
        _ if bits & 0x8 != 0 => 't',
        // TASK_NOLOAD with it is an idle kernel thread.
        _ if bits & 0x402 == 0x402 => 'I',
        _ if bits & 0x2 != 0 => 'D',
        _ if bits & 0x1 != 0 => 'S',
        _ => 'X',
    }
}

/// The descriptors in a table.
fn table<M: ReadMemory>(walker: &mut Walker<'_, M>, files: u64, task: u32) -> Vec<Descriptor> {
    /// `fs.nr_open` is at most this (`sysctl_nr_open_max`, fs/file.c).
    const MOST: u32 = 1 << 26;
    const READ_AT_ONCE: u64 = 64 << 10;
    let layout = walker.layouts.task;
    let mut read = || {
        let table = walker.memory.word(files + layout.table)?;
        let most = walker.memory.half(table + layout.most_files)?;
        Some((most, walker.memory.word(table + layout.descriptors)?))
    };
    let Some((most, list)) = read().filter(|(most, list)| *most <= MOST && is_kernel(*list)) else {
        walker.found.lost.unreadable += 1;
        return Vec::new();
    };
    let end = list.saturating_add(u64::from(most) * 8);
    let mut found = Vec::new();
    for start in (list..end).step_by(READ_AT_ONCE as usize) {
        let len = READ_AT_ONCE.min(end - start);
        let Some(bytes) = walker.memory.read(start, len as usize) else {
            walker.found.lost.unreadable += 1;
            break;
        };
        let first = ((start - list) / 8) as u32;
        let files = bytes.chunks_exact(8).filter_map(|it| word(it, 0));
        let files = (first..).zip(files).filter(|(_, file)| is_kernel(*file));
        found.extend(files.map(|(number, file)| Descriptor { file, task, number }));
    }
    found
}
