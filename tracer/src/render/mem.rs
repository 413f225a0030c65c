//! Where memory went, for people: what to think of it, the tree, the largest parts.

use std::io::{self, Write};

use super::{
    escape::harmless,
    holders, mem_details,
    styles::{CULPRIT, FAINT, HEADING},
    table::Extent,
    text,
    tree::{Row, rows},
};
use crate::model::{Balance, CensusRow, MemReport};

/// Lines of a terminal.
const SCREEN: usize = 24;

/// The verdict, and the machine.
const AROUND: usize = 2;

/// How much of the screen the tree takes at most.
const ROWS: usize = 16;

/// Writes the balance, with colours; the writer may take them out again.
pub fn mem(report: &MemReport, extent: Extent, out: &mut impl Write) -> io::Result<()> {
    let (balance, snapshot) = (&report.balance, &report.snapshot);
    let verdict = verdict(balance);
    match balance.verdict.culprit {
        Some(_) => writeln!(out, "{CULPRIT}{verdict}{CULPRIT:#}")?,
        None => writeln!(out, "{HEADING}{verdict}{HEADING:#}")?,
    }
    let smallest = smallest(balance, extent);
    let rows = rows(&balance.tree, smallest);
    let room = SCREEN.saturating_sub(rows.len() + AROUND);
    for row in rows {
        row_of(&row, report, out)?;
    }
    census(&report.census, smallest, out)?;
    let details = mem_details::details(report, extent, smallest, room);
    for line in details.lines {
        writeln!(out, "{line}")?;
    }
    let (host, taken_at) = (text::host(&snapshot.host), snapshot.taken_at);
    write!(out, "{host}; {taken_at:.0}")?;
    if details.hidden > 0 {
        let more = text::counted(details.hidden as u64, "more line");
        write!(out, "; {more} with --verbose")?;
    }
    writeln!(out)
}

/// From how many bytes on a part has a row of its own: a thousandth of memory, or more, so that
/// the rows leave room for what stands below them.
fn smallest(balance: &Balance, extent: Extent) -> u64 {
    if extent.whole {
        return 0;
    }
    let mut smallest = balance.total_bytes / 1000;
    while rows(&balance.tree, smallest).len() > ROWS && smallest < balance.total_bytes {
        smallest = smallest.saturating_mul(2).max(1);
    }
    smallest
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

#[cfg(test)]
#[path = "mem_tests.rs"]
mod tests;
