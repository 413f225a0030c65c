//! The ranking: one line per process, or per program that is killed again and again.

use super::text;
use crate::{
    model::{Process, ProcessEntry, ProcessSort},
    render::{
        cgroup,
        columns::{self, Column, NONE},
    },
};

/// As wide as a line should be.
const WIDTH: usize = 100;

/// What is left of a command line at least.
const COMMAND: usize = 20;

/// The lines of the table, the header first. `whole` has all columns, and command lines in full.
pub(super) fn lines(entries: &[ProcessEntry], sort: ProcessSort, whole: bool) -> Vec<String> {
    let mut columns = numbers(entries, sort, whole);
    let cgroup = |it: &ProcessEntry| {
        let group = it.cgroup.as_ref()?;
        Some(cgroup::short_name(&group.path).into_owned())
    };
    let cgroup = Column::texts("CGROUP", cells(entries, cgroup));
    columns.extend(Some(cgroup).filter(|it| whole || it.says_something()));
    let room = WIDTH.saturating_sub(columns::width(&columns)).max(COMMAND);
    let room = if whole { usize::MAX } else { room };
    let command = |it: &ProcessEntry| Some(command(it, room));
    columns.push(Column::texts("COMMAND", cells(entries, command)));
    columns::lines(&columns)
}

/// Without `whole`, only those that say something; where there is growth, PSS stands for RSS.
fn numbers(entries: &[ProcessEntry], sort: ProcessSort, whole: bool) -> Vec<Column> {
    let of = |title, cell: fn(&ProcessEntry) -> Option<String>| {
        Column::numbers(title, cells(entries, cell))
    };
    let size = |title, size: fn(&Process) -> Option<u64>| {
        Column::numbers(title, cells(entries, |it| bytes(size(&it.process))))
    };
    let (growth, pss) = (of("GROWTH", growth), size("PSS", |it| it.pss_bytes));
    let pss_is_enough = growth.says_something() && pss.says_something() && sort != ProcessSort::Rss;
    let file = size("FILE", |it| it.file_bytes);
    let columns = [
        of("PID", |it| Some(it.process.pid.to_string())),
        growth,
        pss,
        size("RSS", |it| it.rss_bytes).unless(pss_is_enough && !whole),
        size("ANON", |it| it.anonymous_bytes),
        file.unless(!whole),
        size("SHMEM", |it| it.shmem_bytes),
        size("SWAP", |it| it.swap_bytes),
        of("OOM", |it| Some(text::oom_score(&it.process))),
        of("KILLS", kills),
        of("LIMIT", |it| cgroup::limit(it.cgroup.as_ref()?)),
    ];
    let columns = columns.into_iter();
    columns.filter(|it| whole || it.says_something()).collect()
}

fn cells(entries: &[ProcessEntry], cell: impl Fn(&ProcessEntry) -> Option<String>) -> Vec<String> {
    let cell = |entry| cell(entry).unwrap_or_else(|| NONE.to_owned());
    entries.iter().map(cell).collect()
}

/// The size; none at all says as little as one that is not known.
fn bytes(bytes: Option<u64>) -> Option<String> {
    bytes.filter(|&bytes| bytes > 0).map(text::bytes)
}

fn growth(entry: &ProcessEntry) -> Option<String> {
    let growth = entry.growth_bytes.filter(|&bytes| bytes != 0);
    growth.map(text::signed_bytes)
}

fn kills(entry: &ProcessEntry) -> Option<String> {
    let kills = entry.cgroup.as_ref()?.oom_kills.filter(|&kills| kills > 0);
    kills.map(text::count)
}

/// The command line, or what fits of it, with what is to be said of the process.
fn command(entry: &ProcessEntry, room: usize) -> String {
    let remark = match &entry.replaced {
        Some(replaced) => format!(", {} pid", text::ordinal(replaced.pids.len())),
        None if entry.is_new => " (new)".to_owned(),
        None => String::new(),
    };
    if room == usize::MAX {
        return text::command(&entry.process) + &remark;
    }
    let room = room.saturating_sub(remark.len());
    text::shortened(&text::short_command(&entry.process), room) + &remark
}
