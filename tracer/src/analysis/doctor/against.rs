//! What is more here than on the other machine, or at the other time.

use std::cmp::Reverse;

use super::Facts;
use crate::{
    analysis::balance::signed,
    model::{
        Cause, DifferenceCause, Finding, Gravity, Growth, Process, Remedy, SnapshotDiff, Sureness,
    },
};

/// The command lines whose processes have much more here, the most first.
pub(super) fn against(facts: &Facts<'_>) -> Vec<Finding> {
    const NAMED: usize = 3;
    let Some(diff) = &facts.evidence.against else {
        return Vec::new();
    };
    let processes = diff.processes.iter();
    let mut more: Vec<_> = processes
        .filter(|it| it.bytes() >= signed(facts.large))
        .collect();
    more.sort_by_key(|it| Reverse(it.bytes()));
    let more = more.into_iter().take(NAMED);
    more.map(|it| finding(it, diff, facts)).collect()
}

fn finding(command: &Growth, diff: &SnapshotDiff, facts: &Facts<'_>) -> Finding {
    let pid = process(facts, &command.name).map(|it| it.pid);
    let difference = command.bytes().unsigned_abs();
    let look = pid.map(|pid| Remedy::of(format!("pagetrace proc {pid} -i 60 --peek")));
    let kill = pid.map(|pid| Remedy::giving(format!("kill {pid}"), difference));
    Finding {
        gravity: Gravity::Suspicious,
        bytes: difference,
        growth_bytes: None,
        certainty: Sureness::Counted,
        remedies: look.into_iter().chain(kill).collect(),
        cause: Cause::Difference(Box::new(DifferenceCause {
            group: group(diff),
            command: command.name.clone(),
            there_bytes: bytes(command.before_bytes),
            here_bytes: bytes(command.after_bytes),
            mapping: mapping(diff, &command.name),
            pid,
            content: None,
        })),
    }
}

fn bytes(bytes: Option<i64>) -> u64 {
    bytes.and_then(|it| it.try_into().ok()).unwrap_or(0)
}

/// The kind of memory that is more here.
fn group(diff: &SnapshotDiff) -> String {
    let used = diff.groups.iter().filter(|it| !it.name.starts_with("free"));
    let most = used.max_by_key(|it| it.bytes());
    most.map(|it| it.name.clone()).unwrap_or_default()
}

/// The mapping of this command that differs most; [`snapshots`](crate::analysis::snapshots) names them
/// so.
fn mapping(diff: &SnapshotDiff, command: &str) -> Option<String> {
    let of_command = |it: &Growth| {
        let name = it.name.strip_suffix(command)?.strip_suffix(" of ")?;
        Some((it.bytes(), name.to_owned()))
    };
    let mappings = diff.mappings.iter().filter_map(of_command);
    mappings
        .max_by_key(|(bytes, _)| *bytes)
        .map(|(_, name)| name)
}

/// The largest process of this command line.
fn process<'a>(facts: &'a Facts<'_>, command: &str) -> Option<&'a Process> {
    let processes = facts.evidence.after.processes.iter();
    let processes = processes.flat_map(|it| &it.processes);
    let same = processes.filter(|it| it.command() == command);
    same.max_by_key(|it| it.kept_bytes())
}
