//! Folded stacks for flame graphs: `root;…;leaf BYTES`, a line per stack, sorted.

use std::io::{self, Write};

use super::escape::harmless;
use crate::model::{FoldedBy, Frame, Report, Site, Summary};

/// Writes one line per distinct stack with pages that are ranked; the bytes add
/// up to the ranked total.
pub fn folded(
    report: &Report,
    summary: &Summary,
    by: FoldedBy,
    out: &mut dyn Write,
) -> io::Result<()> {
    let names: Vec<_> = report.frames.iter().map(name).collect();
    let mut lines = Vec::with_capacity(summary.totals.sites);
    for share in summary.entries.iter().flat_map(|entry| &entry.sites) {
        let site = &report.sites[share.site];
        let line = line(site, &names);
        let bytes = |pages: u64| pages * report.host.page_size;
        match by {
            FoldedBy::Stack => lines.push((line, bytes(share.pages))),
            FoldedBy::Holder => {
                let holders = holders(site, share.pages);
                let holders =
                    holders.map(|(holder, pages)| (format!("{holder};{line}"), bytes(pages)));
                lines.extend(holders);
            }
        }
    }
    lines.sort_unstable();
    for same in lines.chunk_by(|(a, _), (b, _)| a == b) {
        let bytes: u64 = same.iter().map(|(_, bytes)| bytes).sum();
        writeln!(out, "{} {bytes}", same[0].0)?;
    }
    Ok(())
}

/// Who has so many pages of a site, and how many of them; nobody's are the rest.
fn holders(site: &Site, pages: u64) -> impl Iterator<Item = (String, u64)> {
    let mut left = pages;
    let mut take = move |pages: u64| {
        let taken = pages.min(left);
        left -= taken;
        taken
    };
    let held = site
        .held_by
        .iter()
        .map(|held| (word(&held.holder), held.pages));
    let rest = ("[held_by_nothing_that_was_found]".to_owned(), u64::MAX);
    let all = held
        .chain([rest])
        .map(move |(holder, pages)| (holder, take(pages)));
    all.filter(|(_, pages)| *pages > 0)
}

fn line(site: &Site, names: &[String]) -> String {
    if let Some(reason) = site.no_stack {
        return word(reason.name());
    }
    let names = site
        .stack
        .iter()
        .rev()
        .map(|&frame| names[frame as usize].as_str());
    names.collect::<Vec<_>>().join(";")
}

/// Names only: with offsets, one function would be many boxes in the graph.
fn name(frame: &Frame) -> String {
    match (&frame.symbol, &frame.module) {
        (Some(symbol), Some(module)) => word(&format!("{symbol}[{module}]")),
        (Some(symbol), None) => word(symbol),
        (None, _) => format!("{:#x}", frame.address),
    }
}

/// A name that cannot be taken for two: `;` parts frames, a space the bytes.
pub(super) fn word(name: &str) -> String {
    let safe = |c: char| match c {
        ';' => ':',
        c if c.is_whitespace() => '_',
        c => c,
    };
    harmless(name).chars().map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_breaks_a_line() {
        assert_eq!(word("[site table full]"), "[site_table_full]");
        assert_eq!(word("<a; b>\n::c"), r"<a:_b>\n::c");
    }
}
