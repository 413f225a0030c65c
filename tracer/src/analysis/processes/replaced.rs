//! Programs whose processes are killed and started again.

use std::collections::{BTreeMap, BTreeSet};

use super::Watch;
use crate::model::{MemoryCgroup, Process, ProcessEntry, Processes, Replaced};

/// One line for each control group in which the kernel killed processes and one program was
/// started again. Whom it killed is not told; it is the largest of those that ended.
pub(super) fn replaced(now: &Processes, watch: &Watch) -> Vec<ProcessEntry> {
    let alive: BTreeSet<_> = now.processes.iter().map(Process::identity).collect();
    let mut lines = Vec::new();
    for cgroup in &watch.last_cgroups {
        let kills = kills_since(cgroup, &watch.first_cgroups);
        let programs = programs(&cgroup.path, now, watch);
        let programs = programs.into_values().map(|it| Program::new(it, &alive));
        let restarted = programs.flatten().max_by_key(Program::size);
        if let Some(program) = restarted.filter(|_| kills > 0) {
            lines.push(program.line(kills, cgroup, watch));
        }
    }
    lines
}

fn kills_since(now: &MemoryCgroup, first: &[MemoryCgroup]) -> u64 {
    let first = first.iter().find(|it| it.path == now.path);
    let kills = |cgroup: &MemoryCgroup| cgroup.oom_kills.unwrap_or(0);
    kills(now).saturating_sub(first.map_or(0, kills))
}

type ByStart<'a> = BTreeMap<(u64, u32), &'a Process>;

/// All processes that were seen in a control group, by what they run, in the order in which
/// they started.
fn programs<'a>(
    cgroup: &str,
    now: &'a Processes,
    watch: &'a Watch,
) -> BTreeMap<(&'a str, &'a [String]), ByStart<'a>> {
    let mut programs = BTreeMap::<_, ByStart<'_>>::new();
    // The last view of each is kept.
    let seen = watch
        .before
        .iter()
        .chain(&watch.started)
        .chain(&now.processes);
    for process in seen.filter(|it| it.cgroup.as_deref() == Some(cgroup)) {
        let program = (process.name.as_str(), process.command_line.as_slice());
        let start = (process.start_time_ticks, process.pid);
        programs.entry(program).or_default().insert(start, process);
    }
    programs
}

/// A program that was started again after one of its processes had ended.
struct Program<'a> {
    ended: Vec<&'a Process>,
    last: &'a Process,
    is_alive: bool,
}

impl<'a> Program<'a> {
    /// None if none of its processes came after one that ended.
    fn new(processes: ByStart<'a>, alive: &BTreeSet<(u32, u64)>) -> Option<Self> {
        let (alive, mut ended): (Vec<_>, Vec<_>) = processes
            .into_values()
            .partition(|process| alive.contains(&process.identity()));
        let first_ended = ended.first()?;
        let newer = |process: &&&Process| process.start_time_ticks >= first_ended.start_time_ticks;
        let successor = alive.last().filter(newer).copied();
        let last = successor.or_else(|| ended.pop())?;
        (!ended.is_empty()).then_some(Self {
            ended,
            last,
            is_alive: successor.is_some(),
        })
    }

    /// The most that one that ended was seen with.
    fn size(&self) -> Option<u64> {
        let last = (!self.is_alive).then_some(self.last);
        self.ended
            .iter()
            .copied()
            .chain(last)
            .map(|it| it.kept_bytes().unwrap_or(0))
            .max()
    }

    fn line(&self, oom_kills: u64, cgroup: &MemoryCgroup, watch: &Watch) -> ProcessEntry {
        let pids = self.ended.iter().chain([&self.last]).map(|it| it.pid);
        let growth = super::growth::growth(self.last, &watch.before);
        ProcessEntry {
            process: self.last.clone(),
            growth_bytes: growth.bytes,
            is_new: growth.is_new,
            grown_mapping: growth.mapping,
            replaced: Some(Replaced {
                pids: pids.collect(),
                oom_kills,
                is_alive: self.is_alive,
            }),
            cgroup: Some(cgroup.clone()),
        }
    }
}
