//! The report for people: what was found, the ranking, the largest stack, the rest.

use std::io::{self, Write};

use super::{
    context::context,
    headline::headline,
    loss_accounting::loss_accounting,
    ranking::ranking,
    stack::stack,
    styles::{CULPRIT, FAINT, HEADING},
    text,
};
use crate::model::{Choice as _, Entry, GroupBy, Kind, Report, Summary};

/// How much of a report the table shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// How many entries.
    pub top: usize,
    /// Whether each of them has its whole stack, and each cause of loss its line.
    pub whole: bool,
}

/// Writes the report, with colours; the writer may take them out again.
pub fn table(
    report: &Report,
    summary: &Summary,
    extent: Extent,
    out: &mut impl Write,
) -> io::Result<()> {
    let shown = &summary.entries[..extent.top.min(summary.entries.len())];
    headline(report, summary, out)?;
    if !shown.is_empty() {
        ranked(shown, summary.selection.by, out)?;
    }
    rest(report, summary, shown.len(), out)?;
    let (first, others) = shown.split_at(shown.len().min(1));
    stacks(report, first, extent.whole, out)?;
    writeln!(out)?;
    context(report, out)?;
    let large = others
        .iter()
        .take_while(|it| extent.whole || is_large(it, summary));
    stacks(report, &others[..large.count()], extent.whole, out)?;
    if extent.whole || report.losses.are_serious() {
        writeln!(out)?;
        loss_accounting(report, out)?;
    }
    Ok(())
}

/// Whether an entry has one page in a hundred: what is smaller needs no stack to be judged.
fn is_large(entry: &Entry, summary: &Summary) -> bool {
    entry.pages >= summary.totals.ranked_pages.div_ceil(100)
}

fn ranked(entries: &[Entry], by: GroupBy, out: &mut impl Write) -> io::Result<()> {
    for (line, text) in ranking(entries, by).iter().enumerate() {
        match line {
            0 => writeln!(out, "{HEADING}{text}{HEADING:#}")?,
            1 => writeln!(out, "{CULPRIT}{text}{CULPRIT:#}")?,
            _ => writeln!(out, "{text}")?,
        }
    }
    Ok(())
}

fn stacks(report: &Report, entries: &[Entry], whole: bool, out: &mut impl Write) -> io::Result<()> {
    for entry in entries {
        writeln!(out)?;
        stack(report, entry, whole, out)?;
    }
    Ok(())
}

/// What the ranking does not show, so that its bytes add up.
fn rest(report: &Report, summary: &Summary, shown: usize, out: &mut impl Write) -> io::Result<()> {
    let totals = &summary.totals;
    let lines = [
        hidden(summary, shown),
        unranked(report, summary),
        uncertain(report, summary),
        (totals.too_young_pages > 0).then(|| {
            let pages = text::counted(totals.too_young_pages, "page");
            format!("{pages} younger than --min-age left out")
        }),
    ];
    for line in lines.into_iter().flatten() {
        writeln!(out, "{FAINT}{line}{FAINT:#}")?;
    }
    Ok(())
}

fn hidden(summary: &Summary, shown: usize) -> Option<String> {
    let hidden = &summary.entries[shown..];
    let (one, many) = text::entry(summary.selection.by);
    (!hidden.is_empty()).then(|| {
        let bytes = text::bytes(hidden.iter().map(|entry| entry.bytes).sum());
        let noun = if hidden.len() == 1 { one } else { many };
        let number = text::count(hidden.len() as u64);
        format!("{bytes} in {number} more {noun}; --top N shows them")
    })
}

/// The pages that are neither accused nor dropped.
fn uncertain(report: &Report, summary: &Summary) -> Option<String> {
    let pages = *summary.unranked_pages().get(&Kind::Uncertain)?;
    let bytes = text::bytes(pages * report.host.page_size);
    let pages = text::counted(pages, "page");
    Some(format!(
        "Uncertain: {bytes}, {pages} that look free, or are not what they were taken as, beyond \
         what lost frees explain"
    ))
}

/// The pages that are out and not ranked, by kind, most first.
fn unranked(report: &Report, summary: &Summary) -> Option<String> {
    let page_size = report.host.page_size;
    let mut kinds = summary.unranked_pages();
    kinds.remove(&Kind::Uncertain);
    let kinds = text::most_first(&kinds)
        .map(|(kind, pages)| format!("{} {}", text::bytes(pages * page_size), kind.name()));
    let kinds: Vec<_> = kinds.collect();
    (!kinds.is_empty()).then(|| format!("Not ranked: {}; --kind all ranks them", kinds.join(", ")))
}

#[cfg(test)]
#[path = "golden_tests.rs"]
mod tests;
