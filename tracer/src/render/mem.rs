//! Where memory went, for people: what to think of it, the tree, the largest parts.

use std::{
    cmp::Reverse,
    io::{self, Write},
};

use super::{
    escape::harmless,
    holders, memory_mounts,
    styles::{CULPRIT, FAINT, HEADING},
    table::Extent,
    text,
    tree::{Row, rows},
};
use crate::model::{Balance, CensusRow, Line, MemReport, Snapshot};

/// Writes the balance, with colours; the writer may take them out again.
pub fn mem(report: &MemReport, extent: Extent, out: &mut impl Write) -> io::Result<()> {
    let (balance, snapshot) = (&report.balance, &report.snapshot);
    let verdict = verdict(balance);
    match balance.verdict.culprit {
        Some(_) => writeln!(out, "{CULPRIT}{verdict}{CULPRIT:#}")?,
        None => writeln!(out, "{HEADING}{verdict}{HEADING:#}")?,
    }
    let smallest = if extent.whole {
        0
    } else {
        balance.total_bytes / 1000
    };
    for row in rows(&balance.tree, smallest) {
        row_of(&row, report, out)?;
    }
    writeln!(out)?;
    census(&report.census, smallest, out)?;
    let within = within(balance, smallest);
    let details = [
        within,
        slabs(snapshot, extent.top),
        vmalloc(snapshot, extent.top),
        listed("Fullest tmpfs", memory_mounts::tmpfs(snapshot, extent.top)),
        listed(
            "Mounts of hugetlb",
            memory_mounts::hugetlb(snapshot, extent.top),
        ),
    ];
    for detail in details.into_iter().flatten() {
        writeln!(out, "{detail}")?;
    }
    for holder in holders::beside(snapshot.holders(), extent, smallest) {
        writeln!(out, "{holder}")?;
    }
    for limitation in snapshot.limitations.iter().chain(&balance.limitations) {
        writeln!(out, "{FAINT}{}{FAINT:#}", text::limitation(limitation))?;
    }
    let (host, taken_at) = (text::host(&snapshot.host), snapshot.taken_at);
    writeln!(out, "{host}; {taken_at:.0}")
}

/// The answer in one sentence.
fn verdict(balance: &Balance) -> String {
    let threshold = text::bytes(balance.verdict.threshold_bytes);
    let unaccounted = text::signed_bytes(balance.unaccounted_bytes);
    match &balance.verdict.culprit {
        Some(culprit) => format!(
            "{} {}, {} of all, is above the threshold of {threshold}; next: {}",
            text::bytes(culprit.bytes),
            culprit.name,
            text::percent(culprit.bytes as f64 / balance.total_bytes as f64),
            harmless(&culprit.next)
        ),
        None => format!(
            "{unaccounted} of memory in no counter; no kind of kernel memory is above the \
             threshold of {threshold}"
        ),
    }
}

fn row_of(row: &Row<'_>, report: &MemReport, out: &mut impl Write) -> io::Result<()> {
    let balance = &report.balance;
    let share = row.bytes as f64 / balance.total_bytes as f64;
    let culprit = balance.verdict.culprit.as_ref();
    let is_culprit = culprit.is_some_and(|culprit| culprit.field == row.field);
    let style = if is_culprit {
        CULPRIT
    } else if row.depth < 2 {
        HEADING
    } else {
        anstyle::Style::new()
    };
    let holder = holders::largest(report.snapshot.holders(), row);
    let remark = holder.as_deref().unwrap_or(row.field);
    writeln!(out, "{}", row.styled(share, style, remark))
}

/// The counters beside the pages.
fn census(rows: &[CensusRow], smallest: u64, out: &mut impl Write) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let [name, counters, pages, difference] = ["", "COUNTERS", "PAGES", "DIFFERENCE"];
    writeln!(
        out,
        "{HEADING}{name:<26} {counters:>12} {pages:>12} {difference:>12}{HEADING:#}"
    )?;
    for row in rows {
        let difference = row.census_bytes - row.counters_bytes;
        let is_large = difference.unsigned_abs() > smallest;
        let bytes = [row.counters_bytes, row.census_bytes, difference].map(text::signed_bytes);
        let [counters, pages, difference] = bytes;
        let (name, why) = (&row.name, if is_large { &row.explanation } else { "" });
        writeln!(
            out,
            "{name:<26} {counters:>12} {pages:>12} {difference:>12}  {FAINT}{why}{FAINT:#}"
        )?;
    }
    writeln!(out)
}

/// Parts that lie across the tree, in one line.
fn within(balance: &Balance, smallest: u64) -> Option<String> {
    let is_large = |line: &&Line| line.bytes.unsigned_abs() > smallest;
    let parts = balance.within.iter().filter(is_large);
    let parts = parts.map(|line| format!("{} {}", text::signed_bytes(line.bytes), line.name));
    listed("Of these", parts)
}

fn slabs(snapshot: &Snapshot, top: usize) -> Option<String> {
    let mut caches: Vec<_> = snapshot.memory.slabs.iter().flatten().collect();
    caches.sort_by_key(|cache| Reverse(cache.bytes));
    let caches = caches.into_iter().filter(|cache| cache.bytes > 0).take(top);
    let caches = caches.map(|it| format!("{} {}", text::bytes(it.bytes), harmless(&it.name)));
    listed("Largest slab caches", caches)
}

fn vmalloc(snapshot: &Snapshot, top: usize) -> Option<String> {
    let mut callers: Vec<_> = snapshot.memory.vmalloc.iter().flatten().collect();
    callers.sort_by_key(|caller| Reverse(caller.bytes));
    let callers = callers.into_iter().take(top).map(|it| {
        let name = text::with_module(&it.function, it.module.as_deref());
        format!("{} {name}", text::bytes(it.bytes))
    });
    listed("Largest callers of vmalloc", callers)
}

fn listed(title: &str, parts: impl Iterator<Item = String>) -> Option<String> {
    let parts: Vec<_> = parts.collect();
    (!parts.is_empty()).then(|| format!("{title}: {}", parts.join(", ")))
}

#[cfg(test)]
#[path = "mem_tests.rs"]
mod tests;
