//! Processes that grow, and programs that are killed because of it.

use super::{Facts, age_seconds, next_kill::next};
use crate::model::{
    Cause, Finding, Gravity, ProcessCause, ProcessEntry, Remedy, Replaced, Sureness,
};

/// What of it is much.
pub(super) fn processes(facts: &Facts<'_>) -> Vec<Finding> {
    let entries = facts.evidence.processes.iter();
    entries
        .filter_map(|entry| match &entry.replaced {
            Some(replaced) => Some(killed(entry, replaced, facts)),
            None => grown(entry, facts),
        })
        .collect()
}

/// The kernel kills whoever makes a control group full; one that comes back and is killed again does not
/// get by with what it may have.
fn killed(entry: &ProcessEntry, replaced: &Replaced, facts: &Facts<'_>) -> Finding {
    let bytes = entry.process.kept_bytes().unwrap_or(0);
    let pid = entry.process.pid;
    let alive = replaced.is_alive;
    let look = alive.then(|| Remedy::of(format!("pagetrace proc {pid} -i 60 --peek")));
    let kill = alive.then(|| Remedy::giving(format!("kill {pid}"), bytes));
    let group = entry.cgroup.as_ref().map(|it| &it.path);
    let unit = group.and_then(|path| super::held::service(path));
    let stop = unit.map(|unit| Remedy::giving(format!("systemctl stop {unit}"), bytes));
    Finding {
        gravity: if replaced.oom_kills > 1 {
            Gravity::Leak
        } else {
            Gravity::Suspicious
        },
        bytes,
        growth_bytes: entry.growth_bytes,
        certainty: Sureness::Likely,
        remedies: stop.into_iter().chain(look).chain(kill).collect(),
        cause: Cause::Killed(Box::new(ProcessCause {
            next: entry.cgroup.as_ref().and_then(|it| next(it, facts)),
            ..cause(entry)
        })),
    }
}

/// What has just started grows until it has what it needs; what runs for long and grows still is
/// suspicious.
fn grown(entry: &ProcessEntry, facts: &Facts<'_>) -> Option<Finding> {
    const LONG: u64 = 600;
    let growth = entry.growth_bytes?;
    let large = i64::try_from(facts.large).unwrap_or(i64::MAX);
    if growth < large {
        return None;
    }
    let is_old = !entry.is_new && age_seconds(entry, facts) >= LONG;
    let (pid, grown) = (entry.process.pid, growth.unsigned_abs());
    Some(Finding {
        gravity: if is_old {
            Gravity::Suspicious
        } else {
            Gravity::Information
        },
        bytes: entry.process.kept_bytes().unwrap_or(0),
        growth_bytes: Some(growth),
        certainty: Sureness::Possible,
        remedies: vec![
            Remedy::of(format!("pagetrace proc {pid} -i 600 --peek")),
            Remedy::giving(format!("kill {pid}"), grown),
        ],
        cause: Cause::Process(Box::new(cause(entry))),
    })
}

fn cause(entry: &ProcessEntry) -> ProcessCause {
    ProcessCause {
        process: entry.process.clone(),
        mapping: entry.grown_mapping.clone(),
        cgroup: entry.cgroup.clone(),
        replaced: entry.replaced.clone(),
        next: None,
        content: None,
    }
}
