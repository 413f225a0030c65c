//! A tree of lines, as rows to print.

use std::borrow::Cow;

use anstyle::Style;

use super::{escape::harmless, styles::FAINT, text};
use crate::model::Line;

/// One row: a line of the tree, or those of its parts that are too small for one.
pub(super) struct Row<'a> {
    /// What leads to it from the left.
    pub(super) branch: String,
    /// How many lines it is part of.
    pub(super) depth: usize,
    pub(super) name: Cow<'a, str>,
    pub(super) field: &'a str,
    pub(super) bytes: i64,
}

impl Row<'_> {
    /// The row as it is printed: with its share of all, in numbers and as a bar, and a remark.
    pub(super) fn styled(&self, share: f64, style: Style, remark: &str) -> String {
        let (branch, name) = (&self.branch, harmless(&self.name));
        let width = 38_usize.saturating_sub(branch.chars().count());
        let line = format!(
            "{FAINT}{branch}{FAINT:#}{style}{name:<width$} {:>10} {:>7}{style:#}  {:<16}",
            text::signed_bytes(self.bytes),
            text::percent(share),
            text::bar(share, 16),
        );
        if remark.is_empty() {
            return line.trim_end().to_owned();
        }
        format!("{line} {FAINT}{}{FAINT:#}", harmless(remark))
    }
}

/// The rows of a tree. Parts of less than `smallest` bytes are one row together, so that it
/// still adds up.
pub(super) fn rows(tree: &Line, smallest: u64) -> Vec<Row<'_>> {
    rows_where(tree, &|part| part.bytes.unsigned_abs() >= smallest)
}

/// The same, where `has_row` says which parts have a row of their own.
pub(super) fn rows_where<'a>(tree: &'a Line, has_row: &dyn Fn(&Line) -> bool) -> Vec<Row<'a>> {
    let mut rows = vec![row(tree, String::new(), 0)];
    add_parts(tree, "", 1, has_row, &mut rows);
    rows
}

fn add_parts<'a>(
    line: &'a Line,
    indent: &str,
    depth: usize,
    has_row: &dyn Fn(&Line) -> bool,
    rows: &mut Vec<Row<'a>>,
) {
    let (large, small): (Vec<_>, Vec<_>) = line.parts.iter().partition(|part| has_row(part));
    let small: Vec<_> = small.into_iter().filter(|part| part.bytes != 0).collect();
    for (index, part) in large.iter().enumerate() {
        let is_last = index + 1 == large.len() && small.is_empty();
        let (fork, below) = if is_last {
            ("└ ", "  ")
        } else {
            ("├ ", "│ ")
        };
        rows.push(row(part, format!("{indent}{fork}"), depth));
        add_parts(part, &format!("{indent}{below}"), depth + 1, has_row, rows);
    }
    rows.extend(together(&small, format!("{indent}└ "), depth));
}

/// The row that parts have together.
fn together<'a>(parts: &[&'a Line], branch: String, depth: usize) -> Option<Row<'a>> {
    Some(match parts {
        [] => return None,
        [part] => row(part, branch, depth),
        _ => Row {
            branch,
            depth,
            name: Cow::Owned(format!("{} smaller ones", parts.len())),
            field: "",
            bytes: parts.iter().map(|part| part.bytes).sum(),
        },
    })
}

fn row(line: &Line, branch: String, depth: usize) -> Row<'_> {
    Row {
        branch,
        depth,
        name: Cow::Borrowed(&line.name),
        field: &line.field,
        bytes: line.bytes,
    }
}
