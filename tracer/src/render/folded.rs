//! Folded stacks for flame graphs: `root;…;leaf BYTES`, a line per stack, sorted.

use std::io::{self, Write};

use super::escape::harmless;
use crate::model::{Frame, Report, Site, Summary};

/// Writes one line per distinct stack with pages that are ranked; the bytes add
/// up to the ranked total.
pub fn folded(report: &Report, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let names: Vec<_> = report.frames.iter().map(name).collect();
    let mut lines = Vec::with_capacity(summary.totals.sites);
    for share in summary.entries.iter().flat_map(|entry| &entry.sites) {
        let site = &report.sites[share.site];
        lines.push((line(site, &names), share.pages * report.host.page_size));
    }
    lines.sort_unstable();
    for same in lines.chunk_by(|(a, _), (b, _)| a == b) {
        let bytes: u64 = same.iter().map(|(_, bytes)| bytes).sum();
        writeln!(out, "{} {bytes}", same[0].0)?;
    }
    Ok(())
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
