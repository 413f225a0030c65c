//! The answer in one sentence.

use super::{name, text};
use crate::{
    model::{ProcReport, ProcessEntry, ProcessSort, Replaced},
    render::cgroup,
};

/// What to know of the processes: who is killed again and again, who grows, or who is largest.
pub(super) fn answer(report: &ProcReport) -> String {
    let Some(first) = report.entries.first() else {
        return "No process can be seen".to_owned();
    };
    let interval = report
        .interval_seconds
        .map(|it| text::seconds(it.duration()));
    match (&first.replaced, interval) {
        (Some(replaced), Some(interval)) => killed(first, replaced, &interval),
        (_, Some(interval)) => grown(report, &interval),
        (_, None) => largest(report, first),
    }
}

fn killed(entry: &ProcessEntry, replaced: &Replaced, interval: &str) -> String {
    let limit = entry.cgroup.as_ref().map(|group| {
        let name = cgroup::short_name(&group.path);
        let limit = cgroup::limit(group).map_or_else(String::new, |it| format!(", limit {it}"));
        format!(" in {name}{limit}")
    });
    format!(
        "{} is the {} pid of its program in {interval}: the kernel killed {} for memory{}",
        name(&entry.process),
        text::ordinal(replaced.pids.len()),
        text::count(replaced.oom_kills),
        limit.unwrap_or_default(),
    )
}

fn grown(report: &ProcReport, interval: &str) -> String {
    let most = report.entries.iter().max_by_key(|it| it.growth_bytes);
    let growth = most.and_then(|it| Some((it, u64::try_from(it.growth_bytes?).ok()?)));
    match growth.filter(|(_, growth)| *growth > 0) {
        Some((entry, growth)) => format!(
            "{} {} {} in {interval}{}",
            name(&entry.process),
            if entry.is_new {
                "is new and took"
            } else {
                "grew by"
            },
            text::bytes(growth),
            text::place(entry.grown_mapping.as_ref()),
        ),
        None => format!("No process took more memory in {interval}"),
    }
}

fn largest(report: &ProcReport, first: &ProcessEntry) -> String {
    let process = &first.process;
    let (bytes, what) = match report.sort {
        ProcessSort::Oom => {
            let score = process
                .oom_score
                .map_or_else(|| "unknown".to_owned(), |it| it.to_string());
            return format!(
                "{} would be killed first if memory ran out: its OOM score is {score}",
                name(process)
            );
        }
        ProcessSort::Growth => {
            return "Growth takes time to be seen: -i SECONDS watches it".to_owned();
        }
        ProcessSort::Pss if process.pss_bytes.is_some() => (process.pss_bytes, "(PSS)"),
        ProcessSort::Pss | ProcessSort::Rss => (
            process.rss_bytes,
            "(RSS, shared pages counted more than once)",
        ),
        ProcessSort::Anon => (process.anonymous_bytes, "of anonymous memory"),
        ProcessSort::Shmem => (process.shmem_bytes, "of shared memory"),
        ProcessSort::Swap => (process.swap_bytes, "in swap"),
    };
    let of = |it: &ProcessEntry| match report.sort {
        ProcessSort::Pss => it.process.pss_bytes.or(it.process.rss_bytes),
        ProcessSort::Anon => it.process.anonymous_bytes,
        ProcessSort::Shmem => it.process.shmem_bytes,
        ProcessSort::Swap => it.process.swap_bytes,
        _ => it.process.rss_bytes,
    };
    let sum = report
        .entries
        .iter()
        .filter_map(of)
        .fold(0, u64::saturating_add);
    format!(
        "{} is the largest of {}, with {} of {} {what}",
        name(process),
        text::plural(report.entries.len() as u64, "process", "processes"),
        text::bytes(bytes.unwrap_or(0)),
        text::bytes(sum),
    )
}
