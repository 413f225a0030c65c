//! Flame graphs: one box for each function on a path of calls, as wide as its bytes.
//!
//! Drawn here rather than by the inferno crate: its licence (CDDL-1.0) would also be that of the
//! script in every picture, and it has one number a stack, where filters by kind need one each.

mod colour;
mod picture;
mod stacks;
mod tree;

pub(super) use self::{
    picture::{Picture, Shown},
    stacks::{changed, kept},
};

use std::io::{self, Write};

use maud::PreEscaped;

use super::{escape::harmless, text};
use crate::model::{Report, StackSample, Summary, TraceDiff};

/// What zooms, searches and filters, in a picture and in a page. Shares its classes and attributes
/// with [`Picture`].
pub(super) const SCRIPT: &str = include_str!("flame.js");

/// How boxes look, and what a script changes of that.
pub(super) const STYLE: &str = include_str!("flame.css");

/// Functions that a picture has at most. What else one of them called is one box above it.
const MOST_BOXES: usize = 4000;

/// Writes the pages that are ranked as a picture of its own; its bytes add up to the ranked total.
pub fn svg(
    report: &Report,
    summary: &Summary,
    samples: &[StackSample],
    out: &mut dyn Write,
) -> io::Result<()> {
    let tree = kept(report, samples).pruned(MOST_BOXES);
    let (kernel, started) = (harmless(&report.host.kernel), report.window.started);
    let bytes = text::bytes(summary.totals.ranked_bytes);
    let seconds = text::seconds(report.window.length());
    let picture = Picture {
        tree: &tree,
        shown: Shown::Kept,
        title: format!("{bytes} of pages taken and kept, by stack"),
        remark: format!("Linux {kernel}; {seconds} from {started:.0}"),
    };
    whole(&picture, out)
}

/// Writes what two traces kept as one picture: boxes are as wide as the second's bytes, red where it
/// kept more than the first, blue where less.
pub fn svg_diff(diff: &TraceDiff, out: &mut dyn Write) -> io::Result<()> {
    let tree = changed(diff).pruned(MOST_BOXES);
    let sum = |bytes: fn(&_) -> u64| text::bytes(diff.stacks.iter().map(bytes).sum());
    let gone = diff.stacks.iter().filter(|it| it.after_bytes == 0);
    let picture = Picture {
        tree: &tree,
        shown: Shown::Changed,
        title: format!(
            "{} kept, and {} before, by stack",
            sum(|it| it.after_bytes),
            sum(|it| it.before_bytes)
        ),
        remark: format!(
            "Red: more than before, blue: less; {} before are of stacks that kept nothing after",
            text::bytes(gone.map(|it| it.before_bytes).sum())
        ),
    };
    whole(&picture, out)
}

fn whole(picture: &Picture<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        r#"<?xml version="1.0" encoding="UTF-8" standalone="no"?>"#
    )?;
    let script = format!("<style>{STYLE}</style><script><![CDATA[\n{SCRIPT}\n]]></script>");
    let svg = picture.svg(true, PreEscaped(script));
    writeln!(out, "{}", svg.into_string())
}

#[cfg(test)]
mod tests;
