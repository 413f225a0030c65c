//! The processes of the running machine.

mod cgroups;
mod hidden;
mod mappings;
mod memory;
mod pss;
mod unread;

pub use self::{cgroups::memory_cgroups, mappings::mappings, memory::ProcessMemory};

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};

use self::unread::{Parts, Reader};
use crate::{
    kernel::{
        memcg,
        process::{ProcessFolder, stat, status, words},
    },
    model::{Limitation, Process, ProcessPart, Processes, UnreadReason},
};

/// What is kept of a command line.
const COMMAND_LINE: u64 = 4096;

/// How much to read beside what is read of all processes.
#[derive(Clone, Copy, Debug)]
pub struct Detail {
    /// How long to read proportional sizes, the largest processes first.
    pub pss_time: Duration,
    /// Of so many of the largest, they are read whatever time it takes.
    pub pss_of: usize,
    /// Of so many with the most anonymous memory, mappings are read.
    pub mappings_of: usize,
    /// How long to read those.
    pub mappings_time: Duration,
}

/// All processes, and what keeps some from being seen.
pub fn processes(detail: Detail) -> Result<(Processes, Vec<Limitation>)> {
    let mut parts = Parts::default();
    let (mut processes, mut kernel_threads) = (Vec::new(), 0);
    for pid in process_ids()? {
        match look(pid, &mut parts) {
            Some(Seen::Process(process)) => processes.push(*process),
            Some(Seen::KernelThread) => kernel_threads += 1,
            None => {}
        }
    }
    pss::add(&mut processes, detail, &mut parts);
    mappings::add(&mut processes, detail, &mut parts);
    let processes = Processes {
        cgroups: memory_cgroups(&processes),
        processes,
        kernel_threads,
        unread: parts.unread(),
    };
    Ok((processes, hidden::others().into_iter().collect()))
}

/// The ids of all processes and kernel threads that this user can see, in order.
pub fn process_ids() -> Result<BTreeSet<u32>> {
    let entries = fs::read_dir("/proc").context("cannot list /proc")?;
    let names = entries.flatten().map(|entry| entry.file_name());
    Ok(names
        .filter_map(|name| name.to_str()?.parse().ok())
        .collect())
}

/// One process without its proportional size and its mappings; none if it ended or is a kernel
/// thread.
pub fn process(pid: u32) -> Option<Process> {
    match look(pid, &mut Parts::default())? {
        Seen::Process(process) => Some(*process),
        Seen::KernelThread => None,
    }
}

/// The path of a process's memory control group; none if it has ended, or is in none.
pub fn memory_cgroup(pid: u32) -> Option<String> {
    let text = fs::read_to_string(path(pid).join("cgroup")).ok()?;
    memcg::path(&text).map(str::to_owned)
}

/// The folder of a process.
pub fn process_folder(pid: u32) -> io::Result<ProcessFolder> {
    ProcessFolder::open(&path(pid))
}

/// The folder of this process, and of no later one with its pid.
fn folder_of(process: &Process) -> io::Result<ProcessFolder> {
    let folder = process_folder(process.pid)?;
    let line = folder.read("stat", 4096)?;
    let is_same = stat(&line).is_some_and(|it| it.start_time_ticks == process.start_time_ticks);
    if is_same {
        Ok(folder)
    } else {
        Err(rustix::io::Errno::SRCH.into())
    }
}

fn path(pid: u32) -> PathBuf {
    Path::new("/proc").join(pid.to_string())
}

enum Seen {
    Process(Box<Process>),
    KernelThread,
}

/// Reads what is read of every process; none, and counted, if it ended meanwhile.
fn look(pid: u32, parts: &mut Parts) -> Option<Seen> {
    let folder = process_folder(pid);
    let folder = folder.map_err(|error| parts.not_there(ProcessPart::Process, pid, &error));
    let mut reader = Reader::new(pid, folder.ok()?, parts);
    let line = reader.read(ProcessPart::Process, "stat", 4096)?;
    let Some(stat) = stat(&line) else {
        reader.note(ProcessPart::Process, UnreadReason::Failed);
        return None;
    };
    if stat.is_kernel_thread {
        return Some(Seen::KernelThread);
    }
    let status = status(&reader.read(ProcessPart::Process, "status", 1 << 16)?);
    let command_line = reader.read(ProcessPart::CommandLine, "cmdline", COMMAND_LINE);
    let cgroup = reader.read(ProcessPart::Cgroup, "cgroup", 1 << 16);
    let process = Process {
        pid,
        start_time_ticks: stat.start_time_ticks,
        parent_pid: stat.parent_pid,
        uid: status.uid,
        name: stat.name,
        command_line: command_line.map(|it| words(&it)).unwrap_or_default(),
        state: stat.state,
        threads: stat.threads,
        rss_bytes: status.rss_bytes,
        pss_bytes: None,
        anonymous_bytes: status.anonymous_bytes,
        file_bytes: status.file_bytes,
        shmem_bytes: status.shmem_bytes,
        swap_bytes: status.swap_bytes,
        page_table_bytes: status.page_table_bytes,
        oom_score: reader.number(ProcessPart::OomScore, "oom_score"),
        oom_score_adj: reader.number(ProcessPart::OomScore, "oom_score_adj"),
        cgroup: cgroup.and_then(|it| Some(memcg::path(str::from_utf8(&it).ok()?)?.to_owned())),
        mappings: None,
    };
    reader.is_alive().then(|| Seen::Process(Box::new(process)))
}
