//! The stack of an entry's largest site.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use super::{
    escape::harmless,
    styles::{CULPRIT, FAINT, HEADING},
    text, trend,
};
use crate::model::{Entry, Frame, Report, Site};

/// Frames from the owner on that are shown of a long stack: the first ones and the last ones.
const FIRST: usize = 8;
const LAST: usize = 4;

/// Holders that are shown of an entry.
const HOLDERS: usize = 2;

/// Columns that names of allocators may take.
const COLUMNS: usize = 88;

/// Writes it; `whole` with every frame.
pub(super) fn stack(
    report: &Report,
    entry: &Entry,
    whole: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    let (bytes, owner) = (text::bytes(entry.bytes), text::owner(entry));
    writeln!(out, "{HEADING}#{}  {bytes}  {owner}{HEADING:#}", entry.rank)?;
    let Some(site) = entry.sites.first().and_then(|it| report.sites.get(it.site)) else {
        return Ok(());
    };
    let (pages, others) = stacks(report, entry, site);
    writeln!(out, "    {FAINT}{}{FAINT:#}", account(entry, site, pages))?;
    if let Some(trend) = &entry.growth {
        writeln!(out, "    {}", trend::sentence(trend))?;
    }
    for line in held_by(report, entry, whole) {
        writeln!(out, "    {line}")?;
    }
    for line in known(entry, whole) {
        writeln!(out, "    {line}")?;
    }
    let frames: Vec<_> = report.frames_at(&site.stack).collect();
    let owner = site
        .stack
        .iter()
        .position(|&it| Some(it) == site.owner_frame);
    if whole {
        lines(&frames, owner, out)?;
    } else {
        shortened(&frames, owner, out)?;
    }
    if others > 0 {
        let more = text::counted(others, "more stack");
        writeln!(out, "    {FAINT}{more}; --by stack shows all{FAINT:#}")?;
    }
    Ok(())
}

/// How many pages of an entry came by the stack of this site, whoever took them, and how many other
/// stacks it has.
fn stacks(report: &Report, entry: &Entry, site: &Site) -> (u64, u64) {
    let sites = entry.sites.iter();
    let shares = sites
        .filter_map(|share| Some((report.sites.get(share.site)?.stack.as_slice(), share.pages)));
    let (same, others): (Vec<_>, Vec<_>) = shares.partition(|(stack, _)| *stack == site.stack);
    let others: BTreeSet<_> = others.into_iter().map(|(stack, _)| stack).collect();
    let pages = same.into_iter().map(|(_, pages)| pages).sum();
    (pages, others.len() as u64)
}

/// What became of the pages, so many of which came by this stack, and who came here first.
fn account(entry: &Entry, site: &Site, pages: u64) -> String {
    let (kept, taken) = (
        text::count(entry.pages),
        text::counted(entry.allocated_pages, "page"),
    );
    let mut account = format!("kept {kept} of {taken} taken");
    if pages < entry.pages {
        account += &format!(", {} of them by this stack", text::count(pages));
    }
    if let Some(task) = &site.first_seen {
        account += &format!("; first by {} (pid {})", harmless(&task.name), task.pid);
    }
    account
}

/// Who has the pages now, a line each: `31.25 MiB held by 500 pipes, leak (pid 7, fd 3-1002)`.
fn held_by(report: &Report, entry: &Entry, whole: bool) -> impl Iterator<Item = String> {
    let page_size = report.host.page_size;
    let shown = if whole { usize::MAX } else { HOLDERS };
    entry.held_by.iter().take(shown).map(move |held| {
        let bytes = text::bytes(held.pages.saturating_mul(page_size));
        format!(
            "{CULPRIT}{bytes} held by {}{CULPRIT:#}",
            harmless(&held.holder)
        )
    })
}

/// What the memory is in plain words, who usually holds it unless that was found, and what is normal.
fn known(entry: &Entry, whole: bool) -> impl Iterator<Item = String> {
    let lines = entry.known.map(|known| {
        let is_held = !entry.held_by.is_empty() && !whole;
        [
            Some(known.what.clone()),
            (!is_held).then(|| format!("Holders: {}", known.who)),
            Some(format!("Normal: {}", known.normal)),
            whole.then(|| format!("Look: {}", known.look)),
        ]
    });
    lines.into_iter().flatten().flatten()
}

/// The allocator's frames on one line, and not all of a long stack.
fn shortened(frames: &[&Frame], owner: Option<usize>, out: &mut impl Write) -> io::Result<()> {
    let (allocator, frames) = frames.split_at(owner.unwrap_or(0));
    if !allocator.is_empty() {
        writeln!(out, "    {FAINT}{}{FAINT:#}", joined(allocator))?;
    }
    let owner = owner.map(|_| 0);
    let hidden = frames.len().saturating_sub(FIRST + LAST);
    if hidden <= 1 {
        return lines(frames, owner, out);
    }
    lines(&frames[..FIRST], owner, out)?;
    writeln!(out, "    {FAINT}… {hidden} frames; -v shows all{FAINT:#}")?;
    lines(&frames[FIRST + hidden..], None, out)
}

/// The functions on one line, innermost first; of too many, those that were called first.
fn joined(frames: &[&Frame]) -> String {
    let mut line = String::new();
    for frame in frames.iter().rev() {
        let name = text::function(frame);
        if line.is_empty() {
            line = name;
        } else if line.len() + name.len() <= COLUMNS {
            line = format!("{name}, {line}");
        } else {
            return format!("…, {line}");
        }
    }
    line
}

fn lines(frames: &[&Frame], owner: Option<usize>, out: &mut impl Write) -> io::Result<()> {
    for (index, frame) in frames.iter().enumerate() {
        let text = text::frame(frame);
        match owner {
            Some(owner) if owner == index => writeln!(out, "  → {HEADING}{text}{HEADING:#}")?,
            _ => writeln!(out, "    {text}")?,
        }
    }
    Ok(())
}
