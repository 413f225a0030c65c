//! The processes, and which namespaces they see the machine through.

use std::{
    collections::BTreeMap,
    fs::{self, Metadata},
    os::unix::fs::MetadataExt as _,
};

use anyhow::{Context as _, Result};

use crate::{kernel::meminfo, model::Task};

/// All processes, this one first: what it sees is called as it sees it.
pub(super) struct Processes {
    pub(super) all: Vec<Process>,
}

/// A process. What it does not show is none.
#[derive(Clone, Copy)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) view: Option<View>,
    /// Its IPC namespace.
    pub(super) ipc: Option<u64>,
}

/// What decides which mounts a process sees: the inode of its mount namespace, and device and
/// inode of its root.
pub(super) type View = (u64, u64, u64);

impl Processes {
    pub(super) fn list() -> Result<Self> {
        let own = std::process::id();
        let mut all = vec![Process::look_at(own)];
        let entries = fs::read_dir("/proc").context("cannot list /proc")?;
        let names = entries.flatten().map(|entry| entry.file_name());
        let pids = names.filter_map(|name| name.to_str()?.parse().ok());
        all.extend(pids.filter(|&pid| pid != own).map(Process::look_at));
        Ok(Self { all })
    }

    /// Processes by what `key` says of them, in the order of their first.
    pub(super) fn by<K: Ord>(&self, key: impl Fn(&Process) -> Option<K>) -> Vec<Vec<Process>> {
        let mut groups: Vec<Vec<Process>> = Vec::new();
        let mut places = BTreeMap::new();
        for process in &self.all {
            let Some(key) = key(process) else { continue };
            let place = *places.entry(key).or_insert(groups.len());
            match groups.get_mut(place) {
                Some(group) => group.push(*process),
                None => groups.push(vec![*process]),
            }
        }
        groups
    }
}

impl Process {
    fn look_at(pid: u32) -> Self {
        let look = |name: &str| fs::metadata(format!("/proc/{pid}/{name}")).ok();
        let view = |namespace: Metadata, root: Metadata| (namespace.ino(), root.dev(), root.ino());
        Self {
            pid,
            view: look("ns/mnt")
                .zip(look("root"))
                .map(|(ns, root)| view(ns, root)),
            ipc: look("ns/ipc").map(|namespace| namespace.ino()),
        }
    }

    pub(super) fn task(self) -> Task {
        Task {
            pid: self.pid,
            name: name(self.pid).unwrap_or_default(),
        }
    }
}

/// When a process started, in seconds since 1970, rounded down: `starttime` of `stat` counts
/// ticks since the machine started (Documentation/filesystems/proc.rst).
pub(super) fn started_at(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // A name can have any character, parentheses too.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: u64 = fields.split_ascii_whitespace().nth(19)?.parse().ok()?;
    let machine = fs::read_to_string("/proc/stat").ok()?;
    let started = machine.lines().find_map(|line| line.strip_prefix("btime "));
    let started: u64 = started?.trim().parse().ok()?;
    let since = ticks.checked_div(rustix::param::clock_ticks_per_second())?;
    started.checked_add(since)
}

/// Bytes of shmem that a process has mapped. It tells this to everybody.
pub(super) fn mapped_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status"));
    let bytes = status.map(|text| meminfo::bytes(&text, "RssShmem"));
    bytes.unwrap_or_default().unwrap_or(0)
}

/// The name of a process that has not ended.
pub(super) fn name(pid: u32) -> Option<String> {
    let name = fs::read(format!("/proc/{pid}/comm")).ok()?;
    Some(String::from_utf8_lossy(name.trim_ascii_end()).into_owned())
}
