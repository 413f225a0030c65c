//! What is more here than on the other machine, or at the other time.

use super::Facts;
use crate::{
    analysis::balance::signed,
    model::{
        Cause, DifferenceCause, Finding, Gravity, Growth, Process, Remedy, SnapshotDiff, Sureness,
    },
};

/// The processes of one command line that differ most, if that is much.
pub(super) fn against(facts: &Facts<'_>) -> Option<Finding> {
    let diff = facts.evidence.against.as_ref()?;
    let most = diff.processes.iter().max_by_key(|it| it.bytes())?;
    if most.bytes() < signed(facts.large) {
        return None;
    }
    let pid = process(facts, &most.name).map(|it| it.pid);
    let difference = most.bytes().unsigned_abs();
    let look = pid.map(|pid| Remedy::of(format!("pagetrace proc {pid} -i 60 --peek")));
    let kill = pid.map(|pid| Remedy::giving(format!("kill {pid}"), difference));
    Some(Finding {
        gravity: Gravity::Suspicious,
        bytes: difference,
        growth_bytes: None,
        certainty: Sureness::Counted,
        remedies: look.into_iter().chain(kill).collect(),
        cause: Cause::Difference(Box::new(DifferenceCause {
            group: group(diff),
            command: most.name.clone(),
            there_bytes: bytes(most.before_bytes),
            here_bytes: bytes(most.after_bytes),
            mapping: mapping(diff, &most.name),
            pid,
            content: None,
        })),
    })
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
