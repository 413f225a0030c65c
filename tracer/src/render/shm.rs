//! What holds shared memory, for people: the largest holder, the tree, the largest pieces, and
//! what to do.

mod pieces;
pub(super) mod words;

use std::{
    io::{self, Write},
    ptr,
};

use anstyle::Style;

use super::{
    styles::{CULPRIT, FAINT, HEADING},
    table::Extent,
    text,
    tree::{Row, rows_where},
};
use crate::model::{Line, ShmReport, Shmem, ShmemBalance, ShmemEntry};

/// Writes where shared memory is, with colours; the writer may take them out again.
pub fn shm(report: &ShmReport, extent: Extent, out: &mut impl Write) -> io::Result<()> {
    let (balance, snapshot) = (&report.balance, &report.snapshot);
    let style = match balance.findings[..] {
        [] => HEADING,
        _ => CULPRIT,
    };
    writeln!(out, "{style}{}{style:#}", words::answer(balance))?;
    tree(balance, extent.whole, out)?;
    table(&pieces::ranking(balance, extent.top), out)?;
    if let Some(hidden) = pieces::hidden(balance, extent.top) {
        writeln!(out, "{FAINT}{hidden}{FAINT:#}")?;
    }
    if extent.whole {
        table(&pieces::file_systems(snapshot.shmem.as_ref()), out)?;
    }
    remedies(balance, extent, out)?;
    let limitations = snapshot.limitations.iter();
    let limitations = limitations.filter(|it| extent.whole || words::concerns_shmem(it));
    for limitation in limitations {
        writeln!(out, "{FAINT}{}{FAINT:#}", text::limitation(limitation))?;
    }
    if let Some(change) = snapshot.shmem.as_ref().and_then(change) {
        writeln!(out, "{FAINT}{change}{FAINT:#}")?;
    }
    if balance.swapped_bytes > 0 {
        let sentence = "The kernel does not say what of shmem is swapped out: more can be, and be \
                        missing in what is not attributed";
        writeln!(out, "{FAINT}{sentence}{FAINT:#}")?;
    }
    let (host, taken_at) = (text::host(&snapshot.host), snapshot.taken_at);
    writeln!(out, "{host}; {taken_at:.0}")
}

fn tree(balance: &ShmemBalance, whole: bool, out: &mut impl Write) -> io::Result<()> {
    let smallest = if whole { 0 } else { balance.total_bytes / 200 };
    let all = balance.total_bytes.saturating_add(balance.swapped_bytes);
    let all = all.max(1);
    // What is not attributed is said, and be it nothing.
    let last = balance.tree.parts.last();
    let has_row = |part: &Line| {
        part.bytes.unsigned_abs() >= smallest || last.is_some_and(|last| ptr::eq(part, last))
    };
    for row in rows_where(&balance.tree, &has_row) {
        let share = row.bytes as f64 / all as f64;
        writeln!(
            out,
            "{}",
            row.styled(share, style_of(&row, balance), row.field)
        )?;
    }
    Ok(())
}

fn style_of(row: &Row<'_>, balance: &ShmemBalance) -> Style {
    let is_row = |it: &ShmemEntry| {
        it.bytes == row.bytes.unsigned_abs() && row.name.starts_with(it.name.as_str())
    };
    if row.depth == 2 && balance.findings.iter().any(is_row) {
        CULPRIT
    } else if row.depth < 2 {
        HEADING
    } else {
        Style::new()
    }
}

/// A header and its rows; nothing if there are no rows.
fn table(lines: &[String], out: &mut impl Write) -> io::Result<()> {
    let [header, rows @ ..] = lines else {
        return Ok(());
    };
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    writeln!(out, "{HEADING}{header}{HEADING:#}")?;
    rows.iter().try_for_each(|row| writeln!(out, "{row}"))
}

/// How many remedies are shown of themselves.
const REMEDIES: usize = 3;

fn remedies(balance: &ShmemBalance, extent: Extent, out: &mut impl Write) -> io::Result<()> {
    writeln!(out)?;
    let shown = if extent.whole { usize::MAX } else { REMEDIES };
    for finding in balance.findings.iter().take(shown) {
        writeln!(out, "→ {}", words::remedy(finding))?;
    }
    Ok(())
}

/// By how much `Shmem` changed while it was looked at, if that is much.
fn change(shmem: &Shmem) -> Option<String> {
    let contents = shmem.contents.as_ref()?;
    let (before, after) = (contents.before_bytes, contents.after_bytes);
    let change = before.abs_diff(after);
    let verb = if before < after { "grew" } else { "shrank" };
    (change > after / 100)
        .then(|| format!("Shmem {verb} by {} while it was read", text::bytes(change)))
}

#[cfg(test)]
#[path = "shm/tests.rs"]
mod tests;
