//! The report for people: what was watched, the ranking, the stacks, the losses.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::{ranking::ranking, text};
use crate::{
    analysis::{Report, Site},
    capture::{Losses, Scope},
};

const HEADING: Style = Style::new().bold();
const CULPRIT: Style = AnsiColor::Red.on_default().bold();
const FAINT: Style = Style::new().dimmed();

/// Writes the report with its first `top` sites, with colours; the writer may
/// take them out again.
pub fn table(report: &Report, top: usize, out: &mut impl Write) -> io::Result<()> {
    let shown = &report.sites[..top.min(report.sites.len())];
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
    losses(&report.losses, out)
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
    let pages = match window.scope {
        Scope::Kernel => "kernel pages (all but movable ones)",
        Scope::All => "all pages",
    };
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
    )
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
    let hidden = &report.sites[shown..];
    if !hidden.is_empty() {
        let bytes = text::bytes(hidden.iter().map(|site| site.unfreed_bytes).sum());
        let sites = text::counted(hidden.len() as u64, "more site");
        writeln!(
            out,
            "{FAINT}{bytes} in {sites}; --top N shows them{FAINT:#}"
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

fn stack(site: &Site, out: &mut impl Write) -> io::Result<()> {
    let (bytes, owner) = (text::bytes(site.unfreed_bytes), text::owner(site));
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
    Ok(())
}

fn losses(losses: &Losses, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{HEADING}Lost or not seen{HEADING:#}")?;
    let misses = losses
        .recursion_misses
        .map_or("unknown".to_owned(), text::count);
    let lines = [
        (
            misses,
            "recursion misses",
            "events on a CPU that was inside the tracer",
        ),
        (
            text::count(losses.site_table_full),
            "site table full",
            "allocations without a site of their own; --max-sites",
        ),
        (
            text::count(losses.failed_unwinds),
            "failed unwinds",
            "allocations without a stack",
        ),
        (
            text::count(losses.unmatched_frees),
            "unmatched frees",
            "of pages older than the window or out of its scope",
        ),
        (
            text::count(losses.out_of_range),
            "frames out of range",
            "pages beyond the slot table",
        ),
        (
            text::count(losses.failed_allocations),
            "failed allocations",
            "these took nothing",
        ),
    ];
    for (number, cause, meaning) in lines {
        writeln!(out, "{number:>12}  {cause:<21}{FAINT}{meaning}{FAINT:#}")?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "golden_tests.rs"]
mod tests;
