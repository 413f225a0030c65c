//! Folded stacks for flame graphs: `root;…;leaf BYTES`, a line per stack, sorted.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use crate::{
    analysis::{Report, Site},
    symbols::Frame,
};

/// Writes one line per distinct stack with pages that are ranked; the bytes add
/// up to the report's ranked total.
pub fn folded(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut lines = BTreeMap::new();
    for site in report.ranked() {
        *lines.entry(line(site)).or_insert(0) += site.ranked_bytes;
    }
    lines
        .iter()
        .try_for_each(|(stack, bytes)| writeln!(out, "{stack} {bytes}"))
}

/// Names only: with offsets, one function would be many boxes in the graph.
fn line(site: &Site) -> String {
    if site.frames.is_empty() {
        return word(&site.owner);
    }
    let frames: Vec<_> = site.frames.iter().rev().map(name).collect();
    frames.join(";")
}

fn name(frame: &Frame) -> String {
    match (&frame.symbol, &frame.module) {
        (Some(symbol), Some(module)) => word(&format!("{symbol}[{module}]")),
        (Some(symbol), None) => word(symbol),
        (None, _) => format!("{:#x}", frame.address),
    }
}

/// A name that cannot be taken for two: `;` parts frames, a space the bytes.
fn word(name: &str) -> String {
    let safe = |c: char| match c {
        ';' => ':',
        c if c.is_whitespace() || c.is_control() => '_',
        c => c,
    };
    name.chars().map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_breaks_a_line() {
        assert_eq!(word("[site table full]"), "[site_table_full]");
        assert_eq!(word("<a; b>\n::c"), "<a:_b>_::c");
    }
}
