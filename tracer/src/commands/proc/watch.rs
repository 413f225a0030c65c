//! Watches processes come and go.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{IsTerminal as _, stderr},
    time::Duration,
};

use anyhow::Result;

use crate::{
    analysis::processes::Watch,
    commands::interruption::Interruption,
    kernel::host::processes::{self, Detail},
    model::{MemoryCgroup, Process, Processes},
    render,
};

/// How often to look for new processes. To list 1,000 of them takes 1 ms; what lives shorter is
/// missed, and still counts as a kill of its control group.
const POLL: Duration = Duration::from_millis(200);

/// What has been seen so far.
pub(super) struct Watching {
    before: Vec<Process>,
    known: BTreeSet<u32>,
    started: BTreeMap<(u32, u64), Process>,
    cgroups: BTreeMap<String, MemoryCgroup>,
}

/// Reads all processes, then looks for new ones until the time is over or a signal ends it.
pub(super) fn watch(detail: Detail, interval: Duration, verbose: bool) -> Result<Watching> {
    let (before, _) = processes::processes(detail)?;
    let mut watching = Watching::new(before);
    wait(interval, verbose, || watching.look())?;
    Ok(watching)
}

/// Lets the time pass, or until a signal says that it is enough; calls `look` all the while.
pub(super) fn wait(
    interval: Duration,
    verbose: bool,
    mut look: impl FnMut() -> Result<()>,
) -> Result<()> {
    if verbose || stderr().is_terminal() {
        render::say(&format!(
            "watching for {} s; Ctrl-C ends it early",
            interval.as_secs()
        ));
    }
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build()?.block_on(async {
        let mut interruption = Interruption::listen()?;
        let end = tokio::time::Instant::now() + interval;
        let mut polls = tokio::time::interval(POLL);
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(end) => break,
                () = interruption.heard() => break,
                _ = polls.tick() => look()?,
            }
        }
        interruption.end();
        Ok(())
    })
}

impl Watching {
    fn new(before: Processes) -> Self {
        let cgroups = before.cgroups.into_iter();
        Self {
            known: before.processes.iter().map(|it| it.pid).collect(),
            before: before.processes,
            started: BTreeMap::new(),
            cgroups: cgroups.map(|it| (it.path.clone(), it)).collect(),
        }
    }

    /// Sees who is new, and how large the new ones have become.
    fn look(&mut self) -> Result<()> {
        let now = processes::process_ids()?;
        let young: BTreeSet<_> = self.started.keys().map(|(pid, _)| *pid).collect();
        let looked_at = now
            .iter()
            .filter(|pid| !self.known.contains(pid) || young.contains(pid));
        let seen: Vec<_> = looked_at
            .filter_map(|pid| processes::process(*pid))
            .collect();
        self.remember_cgroups(&seen);
        self.started
            .extend(seen.into_iter().map(|it| (it.identity(), it)));
        self.known = now;
        Ok(())
    }

    fn remember_cgroups(&mut self, seen: &[Process]) {
        let is_new = |it: &&Process| {
            it.cgroup
                .as_ref()
                .is_some_and(|path| !self.cgroups.contains_key(path))
        };
        let new: Vec<_> = seen.iter().filter(is_new).cloned().collect();
        if !new.is_empty() {
            let states = processes::memory_cgroups(&new).into_iter();
            self.cgroups.extend(states.map(|it| (it.path.clone(), it)));
        }
    }

    /// All that was seen, now that the processes were read for the last time.
    pub(super) fn end(self, now: &Processes) -> Watch {
        let started: Vec<_> = self.started.into_values().collect();
        let seen = [self.before.as_slice(), &started, &now.processes].concat();
        Watch {
            before: self.before,
            started,
            first_cgroups: self.cgroups.into_values().collect(),
            last_cgroups: processes::memory_cgroups(&seen),
        }
    }
}
