//! One process for people: its sizes, its mappings, and what one of them holds.

use std::io::{self, Write};

use super::{
    cgroup,
    columns::{Column, NONE, lines},
    escape::harmless,
    peek,
    styles::{FAINT, HEADING},
    table::Extent,
    text,
};
use crate::model::{MappingGrowth, Process, ProcessReport};

/// What fits of a path beside the numbers.
const PATH: usize = 44;

/// Writes what is known of the process, with colours; the writer may take them out again.
pub fn process(report: &ProcessReport, extent: Extent, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{HEADING}{}{HEADING:#}", answer(report))?;
    writeln!(out, "{}", details(report))?;
    if let Some(found) = &report.peek {
        peek::peek(found, extent, out)?;
    }
    mappings(report, extent, out)?;
    for limitation in &report.limitations {
        writeln!(out, "{FAINT}{}{FAINT:#}", text::limitation(limitation))?;
    }
    let (host, taken_at) = (text::host(&report.host), report.taken_at);
    writeln!(out, "{host}; {taken_at:.0}")
}

/// How large it is or how it grew, and where.
fn answer(report: &ProcessReport) -> String {
    let name = name(&report.process);
    let Some(interval) = report.interval_seconds else {
        return size(report, &name);
    };
    let interval = text::seconds(interval.duration());
    let growth = report.growth_bytes.unwrap_or(0);
    if growth <= 0 {
        return format!("{name} took no more memory in {interval}");
    }
    let bytes = text::signed_bytes(growth);
    let place = text::place(report.grown_mapping.as_ref());
    format!("{name} grew by {bytes} in {interval}{place}")
}

fn size(report: &ProcessReport, name: &str) -> String {
    let mappings = report.mappings.iter().map(|it| &it.mapping);
    let largest = mappings.max_by_key(|it| it.held_bytes());
    let place = largest.map_or_else(String::new, |it| {
        format!(
            ", {} of it in {}",
            text::bytes(it.held_bytes()),
            harmless(&it.name)
        )
    });
    match report.process.rss_bytes {
        Some(bytes) => format!("{name} has {}{place}", text::bytes(bytes)),
        None => format!("{name} has no memory of its own, as it has ended or is about to"),
    }
}

fn name(process: &Process) -> String {
    format!("{} (pid {})", harmless(&process.name), process.pid)
}

/// Its sizes, how likely it is killed, and its limit, in one line; its command in another.
fn details(report: &ProcessReport) -> String {
    let process = &report.process;
    let sizes = [
        ("PSS", process.pss_bytes),
        ("RSS", process.rss_bytes),
        ("anonymous", process.anonymous_bytes),
        ("file", process.file_bytes),
        ("shmem", process.shmem_bytes),
        ("swap", process.swap_bytes),
    ];
    let sizes = sizes.into_iter().filter_map(|(name, bytes)| {
        Some(format!(
            "{name} {}",
            text::bytes(bytes.filter(|it| *it > 0)?)
        ))
    });
    let sizes: Vec<_> = sizes.collect();
    let oom = process.oom_score;
    let oom = oom.map(|_| format!("; OOM score {}", text::oom_score(process)));
    let cgroup = report.cgroup.as_ref().map(|it| {
        let kills = it.oom_kills.filter(|&kills| kills > 0);
        let kills = kills.map(|kills| format!(", {} killed for memory", text::count(kills)));
        let limit = cgroup::limit(it).map(|limit| format!(", limit {limit}"));
        let parts = [limit, kills].into_iter().flatten().collect::<String>();
        format!("; in {}{parts}", cgroup::short_name(&it.path))
    });
    let parts = [Some(sizes.join(", ")), oom, cgroup].into_iter().flatten();
    format!(
        "{}\n{FAINT}{}{FAINT:#}",
        parts.collect::<String>(),
        text::shortened(&text::command(process), 96)
    )
}

fn mappings(report: &ProcessReport, extent: Extent, out: &mut impl Write) -> io::Result<()> {
    if report.mappings.is_empty() {
        return Ok(());
    }
    let number = if extent.whole { usize::MAX } else { extent.top };
    let (shown, hidden) = report.mappings.split_at(number.min(report.mappings.len()));
    writeln!(out)?;
    for (line, text) in lines(&columns(shown, extent.whole)).iter().enumerate() {
        match line {
            0 => writeln!(out, "{HEADING}{text}{HEADING:#}")?,
            _ => writeln!(out, "{text}")?,
        }
    }
    if !hidden.is_empty() {
        let bytes = hidden.iter().map(|it| it.mapping.held_bytes());
        let bytes = text::bytes(bytes.fold(0, u64::saturating_add));
        let number = text::counted(hidden.len() as u64, "more mapping");
        writeln!(
            out,
            "{FAINT}{bytes} in {number}; --top N or -v shows them{FAINT:#}"
        )?;
    }
    Ok(())
}

fn columns(mappings: &[MappingGrowth], whole: bool) -> Vec<Column> {
    let of = |cell: fn(&MappingGrowth) -> String| mappings.iter().map(cell).collect::<Vec<_>>();
    let path = |it: &MappingGrowth| name_of(it, if whole { usize::MAX } else { PATH });
    let optional = |column: Column| Some(column).filter(|it| whole || it.says_something());
    let columns = [
        optional(Column::numbers("GROWTH", of(growth))),
        Some(Column::numbers("RSS", of(|it| bytes(it.mapping.rss_bytes)))),
        Some(Column::numbers("PSS", of(|it| bytes(it.mapping.pss_bytes)))),
        Some(Column::numbers(
            "ANON",
            of(|it| bytes(it.mapping.anonymous_bytes)),
        )),
        optional(Column::numbers(
            "SWAP",
            of(|it| bytes(it.mapping.swap_bytes)),
        )),
        whole.then(|| Column::numbers("SIZE", of(|it| bytes(it.mapping.size_bytes)))),
        Some(Column::texts(
            "MAPPING",
            mappings.iter().map(path).collect(),
        )),
    ];
    columns.into_iter().flatten().collect()
}

fn growth(mapping: &MappingGrowth) -> String {
    let growth = mapping.growth_bytes.filter(|&bytes| bytes != 0);
    growth.map_or_else(|| NONE.to_owned(), text::signed_bytes)
}

fn bytes(bytes: u64) -> String {
    if bytes == 0 {
        NONE.to_owned()
    } else {
        text::bytes(bytes)
    }
}

/// The end of a path says more than its beginning.
fn name_of(mapping: &MappingGrowth, width: usize) -> String {
    let (name, count) = (harmless(&mapping.mapping.name), mapping.mapping.count);
    let length = name.chars().count();
    let name = if length > width {
        ['…']
            .into_iter()
            .chain(name.chars().skip(length - width + 1))
            .collect()
    } else {
        name.into_owned()
    };
    if count > 1 {
        format!("{name} ×{}", text::count(count))
    } else {
        name
    }
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
