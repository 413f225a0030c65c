//! What is seen of processes that come and go.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use anyhow::Result;

use crate::{
    analysis::processes::Watch,
    kernel::host::processes,
    model::{MemoryCgroup, Process, Processes},
};

/// For so long a new process is looked at each time: it becomes another program and may grow fast.
const YOUNG: Duration = Duration::from_secs(2);

/// All that started are looked at again every so many times.
const SELDOM: u32 = 50;

/// So many that started are remembered; beyond it, only those that run or were large.
const MOST: usize = 1 << 14;

/// What has been seen so far.
pub(in crate::commands) struct Watching {
    before: Vec<Process>,
    known: BTreeSet<u32>,
    started: BTreeMap<(u32, u64), Started>,
    cgroups: BTreeMap<String, MemoryCgroup>,
    looks: u32,
}

struct Started {
    process: Process,
    first_seen: Instant,
}

impl Started {
    /// The same process, seen once more. One that is being killed gives its memory back before it is gone:
    /// of a program that shrinks, what it had is kept.
    fn seen_again(self, now: Process) -> Self {
        let is_same = self.process.name == now.name;
        let is_smaller = now.kept_bytes().unwrap_or(0) < self.process.kept_bytes().unwrap_or(0);
        let process = if is_same && is_smaller {
            self.process
        } else {
            now
        };
        Self { process, ..self }
    }
}

impl Watching {
    pub(in crate::commands) fn new(before: Processes) -> Self {
        let cgroups = before.cgroups.into_iter();
        Self {
            known: before.processes.iter().map(|it| it.pid).collect(),
            before: before.processes,
            started: BTreeMap::new(),
            cgroups: cgroups.map(|it| (it.path.clone(), it)).collect(),
            looks: 0,
        }
    }

    /// Sees who is new, and how large the new ones have become.
    pub(in crate::commands) fn look(&mut self) -> Result<()> {
        self.looks = self.looks.wrapping_add(1);
        let now = processes::process_ids()?;
        let due = self.due();
        let is_due = |pid: &&u32| !self.known.contains(pid) || due.contains(pid);
        let seen = now.iter().filter(is_due);
        let seen: Vec<_> = seen.filter_map(|pid| processes::process(*pid)).collect();
        self.remember_cgroups(&seen);
        seen.into_iter().for_each(|process| self.remember(process));
        self.forget(&now);
        self.known = now;
        Ok(())
    }

    /// The pids of those that started and are to be looked at again.
    fn due(&self) -> BTreeSet<u32> {
        let is_all = self.looks.is_multiple_of(SELDOM);
        let is_due = |it: &&Started| is_all || it.first_seen.elapsed() < YOUNG;
        let due = self.started.values().filter(is_due);
        due.map(|it| it.process.pid).collect()
    }

    fn remember(&mut self, process: Process) {
        let started = match self.started.remove(&process.identity()) {
            Some(earlier) => earlier.seen_again(process),
            None => Started {
                process,
                first_seen: Instant::now(),
            },
        };
        self.started.insert(started.process.identity(), started);
    }

    /// Keeps memory bounded, however long the watch is: whoever was killed for memory was large.
    fn forget(&mut self, now: &BTreeSet<u32>) {
        const LARGE: u64 = 4 << 20;
        if self.started.len() > MOST {
            let is_large = |it: &Started| it.process.kept_bytes() >= Some(LARGE);
            self.started
                .retain(|(pid, _), it| now.contains(pid) || is_large(it));
        }
        while self.started.len() > 2 * MOST {
            self.started.pop_first();
        }
    }

    /// How many kills a control group had when it was first seen.
    fn remember_cgroups(&mut self, seen: &[Process]) {
        let is_known = |path: &String| self.cgroups.contains_key(path);
        let is_new = |it: &&Process| it.cgroup.as_ref().is_some_and(|path| !is_known(path));
        let new: Vec<_> = seen.iter().filter(is_new).cloned().collect();
        if !new.is_empty() {
            let states = processes::memory_cgroups(&new).into_iter();
            self.cgroups.extend(states.map(|it| (it.path.clone(), it)));
        }
    }

    /// All that was seen, now that the processes were read for the last time.
    pub(in crate::commands) fn end(self, now: &Processes) -> Watch {
        let started = self.started.into_values().map(|it| it.process);
        let started: Vec<_> = started.collect();
        let seen = [self.before.as_slice(), &started, &now.processes].concat();
        Watch {
            before: self.before,
            started,
            first_cgroups: self.cgroups.into_values().collect(),
            last_cgroups: processes::memory_cgroups(&seen),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(name: &str, anonymous_bytes: u64) -> Process {
        Process {
            name: name.to_owned(),
            anonymous_bytes: Some(anonymous_bytes),
            ..Process::default()
        }
    }

    fn seen(views: &[Process]) -> Process {
        let mut views = views.iter().cloned();
        let first = Started {
            process: views.next().expect("a view"),
            first_seen: Instant::now(),
        };
        views.fold(first, Started::seen_again).process
    }

    #[test]
    fn a_process_that_gives_its_memory_back_is_kept_as_it_was() {
        let views = [1, 24, 0].map(|mib| process("leak", mib << 20));
        assert_eq!(seen(&views), views[1]);
    }

    #[test]
    fn another_program_of_the_process_is_what_it_is() {
        let views = [process("sh", 24 << 20), process("sleep", 1 << 20)];
        assert_eq!(seen(&views), views[1]);
    }
}
