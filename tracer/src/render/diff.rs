//! What differs, for people and as folded stacks.

use std::io::{self, Write};

use super::{
    escape::harmless,
    folded,
    styles::{CULPRIT, FAINT, HEADING},
    text,
};
use crate::model::{Growth, Side, SnapshotDiff, TraceDiff};

/// Writes what differs between two snapshots: which group, then the largest changes of each
/// kind of list, `top` of the first and fewer of the others. A list of small changes is left
/// out.
pub fn snapshot_diff(diff: &SnapshotDiff, top: usize, out: &mut impl Write) -> io::Result<()> {
    let verdict = groups(&diff.groups);
    writeln!(out, "{HEADING}{verdict}{HEADING:#}")?;
    let change = |lines: &[Growth]| lines.first().map_or(0, |line| line.bytes().unsigned_abs());
    let little = change(&diff.kinds) / 50;
    section("KIND OF MEMORY", &diff.kinds, top.div_ceil(2), out)?;
    for (title, lines) in [
        ("PROCESS", &diff.processes),
        ("MAPPING", &diff.mappings),
        ("FILE SYSTEM IN MEMORY", &diff.file_systems),
        ("HOLDER", &diff.holders),
        ("HOLDER OF PAGE FRAMES", &diff.page_holders),
        ("SLAB CACHE", &diff.slabs),
        ("CALLER OF VMALLOC", &diff.vmalloc),
    ] {
        if change(lines) > little {
            section(title, lines, top.div_ceil(4), out)?;
        }
    }
    sides(&diff.before, &diff.after, out)
}

/// Writes what differs between two traces: `top` functions, and the stack that changed most.
pub fn trace_diff(diff: &TraceDiff, top: usize, out: &mut impl Write) -> io::Result<()> {
    match diff.owners.first() {
        Some(most) => {
            let (name, change) = (harmless(&most.name), text::change(most.bytes()));
            writeln!(out, "{CULPRIT}{name} differs most: {change}{CULPRIT:#}")?;
        }
        None => writeln!(out, "{HEADING}Both traces kept the same{HEADING:#}")?,
    }
    section("FUNCTION", &diff.owners, top, out)?;
    if let Some(stack) = diff.stacks.first().filter(|stack| stack.change() > 0) {
        writeln!(out, "\nStack that differs most")?;
        for function in stack.functions.iter().rev() {
            writeln!(out, "    {}", harmless(function))?;
        }
    }
    writeln!(out)?;
    sides(&diff.before, &diff.after, out)
}

/// Writes `root;…;leaf BEFORE AFTER`, a line per stack, as differential flame graphs want it.
pub fn folded_diff(diff: &TraceDiff, out: &mut dyn Write) -> io::Result<()> {
    let mut lines = Vec::with_capacity(diff.stacks.len());
    for stack in &diff.stacks {
        let functions = stack.functions.iter();
        let functions: Vec<_> = functions
            .map(|it| folded::word(&it.replace(" [", "[")))
            .collect();
        let (before, after) = (stack.before_bytes, stack.after_bytes);
        lines.push(format!("{} {before} {after}", functions.join(";")));
    }
    lines.sort_unstable();
    for line in lines {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Which group differs most, and by how much the others do.
fn groups(groups: &[Growth]) -> String {
    let mut used = groups.iter().filter(|group| group.name != "free");
    let Some(most) = used.next().filter(|group| group.bytes() != 0) else {
        return "No kind of memory differs".to_owned();
    };
    let sides = [most.before_bytes, most.after_bytes];
    let [before, after] = sides.map(|bytes| text::signed_bytes(bytes.unwrap_or(0)));
    let others = used.map(|it| format!("{} {}", it.name, text::change(it.bytes())));
    let others: Vec<_> = others.collect();
    let change = text::change(most.bytes());
    let name = &most.name;
    format!(
        "{name} differs most: {change}, {before} and {after}; {}",
        others.join(", ")
    )
}

fn section(title: &str, lines: &[Growth], top: usize, out: &mut impl Write) -> io::Result<()> {
    let largest = lines.first().map_or(0, |line| line.bytes().unsigned_abs());
    if largest == 0 {
        return Ok(());
    }
    let header = format!(
        "{title:<34} {:>12} {:>12} {:>13}",
        "BEFORE", "AFTER", "CHANGE"
    );
    writeln!(out, "{HEADING}{header}{HEADING:#}")?;
    for line in lines.iter().take(top) {
        let amount = |bytes: Option<i64>| bytes.map_or("-".to_owned(), text::signed_bytes);
        let (before, after) = (amount(line.before_bytes), amount(line.after_bytes));
        let bar = text::bar(line.bytes().unsigned_abs() as f64 / largest as f64, 12);
        let change = text::change(line.bytes());
        let name = text::shortened(&harmless(&line.name), 34);
        writeln!(
            out,
            "{name:<34} {before:>12} {after:>12} {change:>13}  {bar}"
        )?;
    }
    let hidden = lines.len().saturating_sub(top);
    if hidden > 0 {
        writeln!(
            out,
            "{FAINT}{} more; --top N shows them{FAINT:#}",
            text::count(hidden as u64)
        )?;
    }
    Ok(())
}

fn sides(before: &Side, after: &Side, out: &mut impl Write) -> io::Result<()> {
    for (name, side) in [("Before", before), ("After", after)] {
        let (host, at) = (text::host(&side.host), side.at);
        writeln!(out, "{FAINT}{name:<6} {host}; {at:.0}{FAINT:#}")?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
