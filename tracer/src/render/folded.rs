//! Folded stacks for flame graphs: `root;…;leaf BYTES`, a line per stack, sorted.

use std::{
    collections::HashMap,
    io::{self, Write},
    sync::Arc,
};

use crate::model::{Frame, Report, Site};

/// Writes one line per distinct stack with pages that are ranked; the bytes add
/// up to the report's ranked total.
pub fn folded(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut names = HashMap::new();
    let mut lines = Vec::with_capacity(report.ranked().len());
    for site in report.ranked() {
        lines.push((line(site, &mut names), site.ranked_bytes));
    }
    lines.sort_unstable();
    for same in lines.chunk_by(|(a, _), (b, _)| a == b) {
        let bytes: u64 = same.iter().map(|(_, bytes)| bytes).sum();
        writeln!(out, "{} {bytes}", same[0].0)?;
    }
    Ok(())
}

/// Names only: with offsets, one function would be many boxes in the graph.
/// Stacks share their frames, and `names` those written before.
fn line(site: &Site, names: &mut HashMap<*const Frame, String>) -> String {
    if site.frames.is_empty() {
        return word(&site.owner);
    }
    let mut line = String::new();
    for frame in site.frames.iter().rev() {
        if !line.is_empty() {
            line.push(';');
        }
        line += names
            .entry(Arc::as_ptr(frame))
            .or_insert_with(|| name(frame));
    }
    line
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
