//! Processes for people: the answer, the ranking, what could not be read.

mod answer;
mod table;
mod unread;

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use super::{
    cgroup,
    escape::harmless,
    styles::{CULPRIT, FAINT, HEADING},
    table::Extent,
    text,
};
use crate::model::{ProcReport, Process, ProcessEntry};

/// Writes the ranking, with colours; the writer may take them out again.
pub fn processes(report: &ProcReport, extent: Extent, out: &mut impl Write) -> io::Result<()> {
    let answer = answer::answer(report);
    let is_killed = report
        .entries
        .first()
        .is_some_and(|it| it.replaced.is_some());
    let style = if is_killed { CULPRIT } else { HEADING };
    writeln!(out, "{style}{answer}{style:#}")?;
    writeln!(out)?;
    let shown = if extent.whole {
        report.entries.len()
    } else {
        extent.top.min(report.entries.len())
    };
    let (shown, hidden) = report.entries.split_at(shown);
    for (line, text) in table::lines(shown, report.sort, extent.whole)
        .iter()
        .enumerate()
    {
        match line {
            0 => writeln!(out, "{HEADING}{text}{HEADING:#}")?,
            _ => writeln!(out, "{text}")?,
        }
    }
    let kills = kills(report);
    for line in rest(hidden)
        .into_iter()
        .chain(kills)
        .chain(unread::lines(report))
    {
        writeln!(out, "{FAINT}{line}{FAINT:#}")?;
    }
    let (host, taken_at) = (text::host(&report.host), report.taken_at);
    writeln!(out, "{host}; {taken_at:.0}")
}

/// What the ranking does not show.
fn rest(hidden: &[ProcessEntry]) -> Option<String> {
    let bytes = |it: &ProcessEntry| it.process.pss_bytes.or(it.process.rss_bytes).unwrap_or(0);
    (!hidden.is_empty()).then(|| {
        let is_whole = hidden.iter().all(|it| it.process.pss_bytes.is_some());
        let bound = if is_whole { "" } else { "up to " };
        let sum = text::bytes(hidden.iter().map(bytes).fold(0, u64::saturating_add));
        let number = text::plural(hidden.len() as u64, "more process", "more processes");
        format!("{bound}{sum} in {number}; --top N or -v shows them")
    })
}

/// The control groups in which processes were killed at any time, most kills first.
fn kills(report: &ProcReport) -> Option<String> {
    let killed = report.cgroups.iter().filter(|it| it.oom_kills > Some(0));
    let mut killed: Vec<_> = killed.collect();
    killed.sort_by_key(|it| std::cmp::Reverse(it.oom_kills));
    let mut names = BTreeSet::new();
    let killed = killed
        .into_iter()
        .filter(|it| names.insert(&it.path))
        .take(3)
        .map(|it| {
            let limit =
                cgroup::limit(it).map_or(String::new(), |limit| format!(" (limit {limit})"));
            let kills = text::count(it.oom_kills.unwrap_or(0));
            format!("{kills} in {}{limit}", cgroup::short_name(&it.path))
        });
    let killed: Vec<_> = killed.collect();
    (!killed.is_empty()).then(|| format!("Killed for memory so far: {}", killed.join(", ")))
}

/// The text without what would act on the terminal.
fn name(process: &Process) -> String {
    format!("{} (pid {})", harmless(&process.name), process.pid)
}

#[cfg(test)]
#[path = "processes/golden_tests.rs"]
mod tests;
