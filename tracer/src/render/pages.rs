//! What every page frame is, for people.

use std::{
    cmp::Reverse,
    collections::HashMap,
    io::{self, Write},
};

use super::{
    escape::harmless,
    styles::{CULPRIT, FAINT, HEADING},
    table::Extent,
    text,
};
use crate::model::{Choice as _, PageGroup, PageUse, PageUseRow, PagesBy, PagesReport};

/// Writes what page frames are, by what was asked for; the writer may take colours out again.
pub fn pages(
    report: &PagesReport,
    by: PagesBy,
    extent: Extent,
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "{HEADING}{}{HEADING:#}", sentence(report))?;
    match by {
        _ if report.list.is_some() => list(report, extent, out)?,
        PagesBy::Use => uses(report, extent, out)?,
        _ => groups(report, by, extent, out)?,
    }
    for limitation in &report.limitations {
        writeln!(out, "{FAINT}{}{FAINT:#}", text::limitation(limitation))?;
    }
    let (host, taken_at) = (text::host(&report.host), report.taken_at);
    let seconds = report.seconds.count();
    writeln!(out, "{host}; {taken_at:.0}; looked at in {seconds:.2} s")
}

fn sentence(report: &PagesReport) -> String {
    let rows = report.uses.iter();
    let rows = rows.filter(|row| row.page_use.is_unexplained());
    let bytes = rows.map(|row| row.bytes).fold(0, u64::saturating_add);
    format!(
        "{} of {} are in no counter of their own: straight from the page allocator, or per-CPU memory",
        text::bytes(bytes),
        text::bytes(report.host.mem_total_bytes)
    )
}

fn uses(report: &PagesReport, extent: Extent, out: &mut impl Write) -> io::Result<()> {
    let [name, bytes, share, counters, difference] =
        ["", "BYTES", "SHARE", "COUNTERS", "DIFFERENCE"];
    writeln!(
        out,
        "{HEADING}{name:<27} {bytes:>12} {share:>7}  {name:<12} {counters:>12} {difference:>12}{HEADING:#}"
    )?;
    let rows = report.uses.iter();
    let mut rows = rows.filter(|row| extent.whole || row.page_use != PageUse::Absent);
    for row in rows.by_ref().take(shown(extent)) {
        use_row(row, report.host.mem_total_bytes, out)?;
    }
    hidden(rows.count(), out)
}

const fn shown(extent: Extent) -> usize {
    if extent.whole { usize::MAX } else { extent.top }
}

fn hidden(lines: usize, out: &mut impl Write) -> io::Result<()> {
    if lines == 0 {
        return Ok(());
    }
    let lines = text::counted(lines as u64, "more line");
    writeln!(out, "{FAINT}{lines} with --verbose{FAINT:#}")
}

fn use_row(row: &PageUseRow, total: u64, out: &mut impl Write) -> io::Result<()> {
    let share = row.bytes as f64 / total.max(1) as f64;
    let style = if row.page_use.is_unexplained() {
        CULPRIT
    } else {
        anstyle::Style::new()
    };
    let counted = row.counters_bytes.map(|counted| {
        let difference = row.bytes.cast_signed().saturating_sub(counted);
        let [counted, difference] = [counted, difference].map(text::signed_bytes);
        format!(
            "{counted:>12} {difference:>12}  {FAINT}{}{FAINT:#}",
            row.counters
        )
    });
    let line = format!(
        "{style}{:<27} {:>12} {:>7}{style:#}  {:<12} {}",
        row.page_use.title(),
        text::bytes(row.bytes),
        text::percent(share),
        text::bar(share, 12),
        counted.unwrap_or_default()
    );
    writeln!(out, "{}", line.trim_end())
}

/// The page frames of one use, a line each.
fn list(report: &PagesReport, extent: Extent, out: &mut impl Write) -> io::Result<()> {
    let Some(list) = &report.list else {
        return Ok(());
    };
    let [frame, pages, references, mappings] = ["FRAME", "PAGES", "REFERENCES", "MAPPED"];
    writeln!(
        out,
        "{HEADING}{frame:>12} {pages:>7} {references:>11} {mappings:>7}  {}{HEADING:#}",
        list.page_use.title()
    )?;
    let mut blocks = list.blocks.iter();
    for block in blocks.by_ref().take(shown(extent)) {
        let owner = block.owner.as_deref().unwrap_or_default();
        let line = format!(
            "{:>12} {:>7} {:>11} {:>7}  {}",
            format!("{:#x}", block.frame),
            block.pages,
            block.references,
            block.mappings,
            harmless(owner)
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    hidden(blocks.len(), out)?;
    if list.left_out > 0 {
        writeln!(
            out,
            "{} were left out",
            text::counted(list.left_out, "more block")
        )?;
    }
    Ok(())
}

fn groups(
    report: &PagesReport,
    by: PagesBy,
    extent: Extent,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut pages = HashMap::<_, u64>::new();
    for group in &report.groups {
        if let Some(name) = name(group, by) {
            *pages.entry(name).or_default() += group.pages;
        }
    }
    let mut rows: Vec<_> = pages.into_iter().collect();
    rows.sort_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
    if rows.is_empty() {
        return writeln!(out, "There are none with a {}", by.name());
    }
    let most = rows.first().map_or(1, |row| row.1);
    let mut rows = rows.into_iter();
    for (name, pages) in rows.by_ref().take(shown(extent)) {
        let bytes = text::bytes(pages.saturating_mul(report.host.page_size));
        let bar = text::bar(pages as f64 / most as f64, 12);
        writeln!(
            out,
            "{bytes:>12} {:>12}  {bar:<12} {name}",
            text::counted(pages, "page")
        )?;
    }
    hidden(rows.len(), out)
}

/// The line that a group is part of; none if it is left out.
fn name(group: &PageGroup, by: PagesBy) -> Option<String> {
    let page_use = group.page_use.title();
    let owner = |wanted: PageUse| {
        let owner = group.owner.as_deref().unwrap_or("(not known)");
        (group.page_use == wanted).then(|| harmless(owner).into_owned())
    };
    match by {
        PagesBy::Use => Some(page_use.to_owned()),
        PagesBy::Order => Some(format!("order {:>2}, {page_use}", group.order)),
        PagesBy::Node => Some(format!("node {}, {page_use}", group.node)),
        PagesBy::Cache => owner(PageUse::Slab),
        PagesBy::Cgroup => owner(PageUse::Charged),
        PagesBy::Device => owner(PageUse::PagePool),
        PagesBy::Caller => owner(PageUse::Vmalloc),
    }
}

#[cfg(test)]
#[path = "pages_tests.rs"]
mod tests;
