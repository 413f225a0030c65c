//! What the mappings of processes hold that are findings.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    commands::proc::peek::peek,
    kernel::host::processes,
    model::{Cause, Finding, Gravity, MappingGrowth, Peek, Process},
};

/// Looks into the processes that are findings and run still.
pub(super) fn look_into(findings: &mut [Finding]) {
    let findings = findings.iter_mut();
    for finding in findings.filter(|it| it.gravity > Gravity::Information) {
        match &mut finding.cause {
            Cause::Process(it) => {
                let name = it.mapping.as_ref().map(|mapping| mapping.name.as_str());
                it.content = content(it.process.pid, name);
            }
            Cause::Killed(it) => it.content = content_of_next(&it.process),
            Cause::Difference(it) => {
                let pid = it.pid;
                it.content = pid.and_then(|pid| content(pid, it.mapping.as_deref()));
            }
            _ => {}
        }
    }
}

/// What the program holds that is killed again and again: of a process of it that has lived long enough
/// to hold something.
fn content_of_next(killed: &Process) -> Option<Peek> {
    const POLL: Duration = Duration::from_millis(50);
    const LONGEST: Duration = Duration::from_secs(3);
    let enough = killed.kept_bytes().unwrap_or(0) / 4;
    let is_next = |it: &Process| {
        it.command() == killed.command()
            && it.cgroup == killed.cgroup
            && it.kept_bytes().is_some_and(|bytes| bytes >= enough)
    };
    let started = Instant::now();
    while started.elapsed() < LONGEST {
        let pids = processes::process_ids().ok()?.into_iter();
        let mut next = pids.filter_map(processes::process).filter(is_next);
        let found = next.next().and_then(|it| content(it.pid, None));
        if found.as_ref().is_some_and(|it| it.sampled_bytes > 0) {
            return found;
        }
        thread::sleep(POLL);
    }
    None
}

/// What the mapping of this name holds, or that with most anonymous memory; none of a process that is
/// gone or may not be looked into.
fn content(pid: u32, mapping: Option<&str>) -> Option<Peek> {
    let process = processes::process(pid)?;
    let mappings = processes::mappings(&process).ok()?;
    let named = mappings.iter().any(|it| Some(it.name.as_str()) == mapping);
    let mappings = mappings.into_iter();
    let wanted = mappings.filter(|it| !named || Some(it.name.as_str()) == mapping);
    let wanted = wanted.map(|mapping| MappingGrowth {
        mapping,
        growth_bytes: None,
    });
    peek(&process, &wanted.collect::<Vec<_>>(), false).ok()
}
