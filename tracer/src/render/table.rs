//! The report for people: what was watched, the ranking, the stacks, the losses.

use std::{
    cmp::Reverse,
    io::{self, Write},
};

use anstyle::{AnsiColor, Style};

use super::{error_bar::error_bar, ranking::ranking, text};
use crate::model::{Choice as _, Feature, Kind, Report, Scope, Site};

pub(super) const HEADING: Style = Style::new().bold();
pub(super) const CULPRIT: Style = AnsiColor::Red.on_default().bold();
pub(super) const FAINT: Style = Style::new().dimmed();

/// Writes the report with its first `top` sites, with colours; the writer may
/// take them out again.
pub fn table(report: &Report, top: usize, out: &mut impl Write) -> io::Result<()> {
    let shown = report.ranked();
    let shown = &shown[..top.min(shown.len())];
    warnings(report, out)?;
    header(report, out)?;
    if !shown.is_empty() {
        writeln!(out)?;
        ranked(shown, out)?;
    }
    rest(report, shown.len(), out)?;
    for site in shown {
        writeln!(out)?;
        stack(site, out)?;
    }
    writeln!(out)?;
    error_bar(report, out)
}

/// What must be known before any number is read.
fn warnings(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let losses = &report.losses;
    if losses.are_serious() {
        let (lost, events) = (losses.lost_events, losses.events);
        let percent = lost as f64 * 100.0 / events as f64;
        let (lost, events) = (text::count(lost), text::counted(events, "event"));
        writeln!(
            out,
            "{CULPRIT}{percent:.1} % of the events were lost, {lost} of {events}: the numbers below \
             are that far off{CULPRIT:#}"
        )?;
    }
    Ok(())
}

fn header(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let (host, window, totals) = (&report.host, &report.window, &report.totals);
    let (cpus, memory) = (host.cpus as u64, text::bytes(host.mem_total_bytes));
    let cpus = text::counted(cpus, "CPU");
    writeln!(
        out,
        "Linux {} {}, {cpus}, {memory} of memory",
        host.kernel, host.arch
    )?;
    let mut pages = match window.scope {
        Scope::Kernel => "kernel pages (all but movable ones)".to_owned(),
        Scope::All => "all pages".to_owned(),
    };
    if !window.filters.is_empty() {
        pages = format!("{pages} with {}", window.filters.join(" "));
    }
    writeln!(
        out,
        "{:.1} s from {:.0}: {pages} recorded for {:.1} s, frees watched to the end",
        window.seconds, window.started, window.record_seconds
    )?;
    let taken = text::bytes(report.taken_pages * host.page_size);
    let unfreed = text::bytes(totals.unfreed_bytes);
    let pages = text::counted(totals.unfreed_pages, "page");
    let sites = text::counted(totals.sites as u64, "call site");
    writeln!(
        out,
        "{HEADING}{unfreed} not freed{HEADING:#} of {taken} taken: {pages}, {sites}"
    )?;
    coverage(report, out)
}

/// What the numbers do not cover.
fn coverage(report: &Report, out: &mut impl Write) -> io::Result<()> {
    if let Some(limitation) = report.limitation(Feature::PageVerification) {
        writeln!(
            out,
            "{HEADING}Not verified{HEADING:#}, so freed pages and others' may be among them: {}",
            limitation.reason
        )?;
    }
    if let Some(limitation) = report.limitation(Feature::BulkAllocations) {
        writeln!(
            out,
            "{FAINT}Bulk allocations are not traced: {}{FAINT:#}",
            limitation.reason
        )?;
    }
    Ok(())
}

fn ranked(sites: &[Site], out: &mut impl Write) -> io::Result<()> {
    for (line, text) in ranking(sites).iter().enumerate() {
        match line {
            0 => writeln!(out, "{HEADING}{text}{HEADING:#}")?,
            1 => writeln!(out, "{CULPRIT}{text}{CULPRIT:#}")?,
            _ => writeln!(out, "{text}")?,
        }
    }
    Ok(())
}

/// What the ranking does not show, so that its bytes add up.
fn rest(report: &Report, shown: usize, out: &mut impl Write) -> io::Result<()> {
    let hidden = &report.ranked()[shown..];
    if !hidden.is_empty() {
        let bytes = text::bytes(hidden.iter().map(|site| site.ranked_bytes).sum());
        let sites = text::counted(hidden.len() as u64, "more site");
        writeln!(
            out,
            "{FAINT}{bytes} in {sites}; --top N shows them{FAINT:#}"
        )?;
    }
    let unranked = unranked(report);
    if !unranked.is_empty() {
        writeln!(
            out,
            "{FAINT}Not ranked: {unranked}; --kind all ranks them{FAINT:#}"
        )?;
    }
    if report.too_young_pages > 0 {
        let pages = text::counted(report.too_young_pages, "page");
        writeln!(
            out,
            "{FAINT}{pages} younger than --min-age left out{FAINT:#}"
        )?;
    }
    Ok(())
}

/// The pages that are out and not ranked, by kind, most first.
fn unranked(report: &Report) -> String {
    let page_size = report.host.page_size;
    let mut kinds: Vec<_> = report.unranked_pages().into_iter().collect();
    kinds.sort_by_key(|&(_, pages)| Reverse(pages));
    let name =
        |(kind, pages): (Kind, u64)| format!("{} {}", text::bytes(pages * page_size), kind.name());
    let kinds: Vec<_> = kinds.into_iter().map(name).collect();
    kinds.join(", ")
}

fn stack(site: &Site, out: &mut impl Write) -> io::Result<()> {
    let (bytes, owner) = (text::bytes(site.ranked_bytes), text::owner(site));
    writeln!(out, "{HEADING}#{}  {bytes}  {owner}{HEADING:#}", site.rank)?;
    let (kept, taken) = (
        text::count(site.unfreed_pages),
        text::counted(site.allocated_pages, "page"),
    );
    write!(out, "    {FAINT}kept {kept} of {taken} taken")?;
    if let Some((pid, name)) = &site.first_seen {
        write!(out, "; first by {name} (pid {pid})")?;
    }
    writeln!(out, "{FAINT:#}")?;
    for (index, frame) in site.frames.iter().enumerate() {
        let text = text::frame(frame);
        match site.owner_frame {
            Some(owner) if owner == index => writeln!(out, "  → {HEADING}{text}{HEADING:#}")?,
            _ => writeln!(out, "    {text}")?,
        }
    }
    if let Some(task) = interrupted(site) {
        writeln!(out, "    {FAINT}({task}){FAINT:#}")?;
    }
    Ok(())
}

/// Whom the interrupt came on top of; the pages are not theirs.
fn interrupted(site: &Site) -> Option<String> {
    let frames = &site.interrupted_frames;
    let outermost = frames.last()?;
    let count = text::counted(frames.len() as u64, "frame");
    Some(format!(
        "{count} of whoever was interrupted, down to {}",
        text::frame(outermost)
    ))
}

#[cfg(test)]
#[path = "golden_tests.rs"]
mod tests;
