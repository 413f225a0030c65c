//! Which processes have the memory, and which take more of it.

mod growth;
mod replaced;

pub use growth::{grown_mappings, largest_growth};

use std::{cmp::Reverse, collections::BTreeMap};

use crate::model::{MemoryCgroup, Process, ProcessEntry, ProcessSort, Processes};

/// What was seen before the sizes were read for the last time.
#[derive(Debug)]
pub struct Watch {
    /// All processes at the beginning.
    pub before: Vec<Process>,
    /// Those that started meanwhile, each as it was seen last.
    pub started: Vec<Process>,
    /// The control groups as each was seen first.
    pub first_cgroups: Vec<MemoryCgroup>,
    /// The same control groups as they are now.
    pub last_cgroups: Vec<MemoryCgroup>,
}

/// The processes as lines: first those whose program is killed again and again, then by `sort`.
pub fn rank(now: &Processes, watch: Option<&Watch>, sort: ProcessSort) -> Vec<ProcessEntry> {
    let replaced = watch.map_or_else(Vec::new, |watch| replaced::replaced(now, watch));
    let cgroups = now.cgroups.iter().map(|it| (it.path.as_str(), it));
    let cgroups: BTreeMap<_, _> = cgroups.collect();
    let is_listed = |process: &&Process| {
        let mut listed = replaced.iter().map(|it| it.process.identity());
        !listed.any(|identity| identity == process.identity())
    };
    let others = now.processes.iter().filter(is_listed);
    let others = others.map(|process| entry(process, watch, &cgroups));
    let mut entries: Vec<_> = others.collect();
    entries.extend(replaced.iter().cloned());
    entries.sort_by_key(|entry| {
        let is_replaced = entry.replaced.is_some();
        let keys = [sort, ProcessSort::Pss].map(|sort| key(entry, sort));
        (Reverse(is_replaced), Reverse(keys), entry.process.pid)
    });
    entries
}

fn entry(
    process: &Process,
    watch: Option<&Watch>,
    cgroups: &BTreeMap<&str, &MemoryCgroup>,
) -> ProcessEntry {
    let cgroup = process.cgroup.as_deref().and_then(|path| cgroups.get(path));
    let growth = watch.map(|watch| growth::growth(process, &watch.before));
    ProcessEntry {
        process: process.clone(),
        growth_bytes: growth.as_ref().and_then(|it| it.bytes),
        is_new: growth.as_ref().is_some_and(|it| it.is_new),
        grown_mapping: growth.and_then(|it| it.mapping),
        replaced: None,
        cgroup: cgroup.map(|it| (*it).clone()),
    }
}

/// What an entry is ranked by; what is not known comes last.
fn key(entry: &ProcessEntry, sort: ProcessSort) -> Option<i64> {
    let process = &entry.process;
    let bytes = match sort {
        ProcessSort::Growth => return entry.growth_bytes,
        ProcessSort::Oom => return process.oom_score.map(i64::from),
        // Where proportional sizes are not to be had, resident ones are the next best.
        ProcessSort::Pss => process.pss_bytes.or(process.rss_bytes),
        ProcessSort::Rss => process.rss_bytes,
        ProcessSort::Anon => process.anonymous_bytes,
        ProcessSort::Shmem => process.shmem_bytes,
        ProcessSort::Swap => process.swap_bytes,
    };
    bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
