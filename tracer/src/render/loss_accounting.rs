//! Loss accounting: everything that was lost or not seen, zero or not.

use std::io::{self, Write};

use super::{
    styles::{FAINT, HEADING},
    text,
};
use crate::model::{Feature, Losses, RecursionMisses, Report};

/// Writes one line per cause.
pub(super) fn loss_accounting(report: &Report, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "{HEADING}Lost or not seen{HEADING:#} in {}",
        text::counted(report.losses.events, "event")
    )?;
    for (number, cause, meaning) in lines(report) {
        writeln!(out, "{number:>12}  {cause:<20} {FAINT}{meaning}{FAINT:#}")?;
    }
    Ok(())
}

type Line = (String, &'static str, String);

fn lines(report: &Report) -> Vec<Line> {
    let losses = &report.losses;
    let counted = |count, cause, meaning: &str| (text::count(count), cause, meaning.to_owned());
    vec![
        misses(losses),
        missed_frees_at_end(losses),
        counted(
            losses.missed_frees_at_reuse_pages,
            "missed frees, reuse",
            "pages taken again though their free was never seen",
        ),
        counted(
            losses.unmatched_frees,
            "unmatched frees",
            "of pages older than the window or not to be recorded",
        ),
        counted(
            losses.site_table_full,
            "site table full",
            "allocations without a site of their own; --max-sites",
        ),
        counted(
            losses.failed_unwinds,
            "failed unwinds",
            "allocations without a stack",
        ),
        counted(
            losses.out_of_range,
            "frames out of range",
            "pages beyond the slot table",
        ),
        counted(
            losses.failed_allocations,
            "failed allocations",
            "these took nothing",
        ),
        counted(
            losses.own_pages,
            "own pages",
            "taken by pagetrace itself, left out",
        ),
        bulk(report),
        unwind_rules(losses),
    ]
}

fn misses(losses: &Losses) -> Line {
    let count = |count: Option<u64>| count.map_or("unknown".to_owned(), text::count);
    let RecursionMisses { alloc, free, bulk } = losses.recursion_misses;
    let mut meaning = format!(
        "events on a CPU inside the same program: alloc {}, free {}",
        count(alloc),
        count(free)
    );
    if let Some(bulk) = bulk {
        meaning += &format!(", bulk {}", text::count(bulk));
    }
    let sum = losses.recursion_misses.sum();
    (count(sum), "recursion misses", meaning)
}

fn missed_frees_at_end(losses: &Losses) -> Line {
    let (number, meaning) = match losses.missed_frees_at_end_pages {
        Some(pages) => (
            text::count(pages),
            "found free at the end, dropped: their free was never seen",
        ),
        None => ("unknown".to_owned(), "pages could not be verified"),
    };
    (number, "missed frees, end", meaning.to_owned())
}

fn bulk(report: &Report) -> Line {
    let (number, meaning) = match report.limitation(Feature::BulkAllocations) {
        None => (
            text::count(report.losses.unread_bulk_pages.unwrap_or(0)),
            "pages of calls too large to look at".to_owned(),
        ),
        Some(limitation) => (
            "unknown".to_owned(),
            format!("not traced: {}", limitation.reason),
        ),
    };
    (number, "bulk pages", meaning)
}

fn unwind_rules(losses: &Losses) -> Line {
    let cause = "rule mismatches";
    let Some(used) = losses.unwind_rules else {
        let meaning = "not used: the kernel unwound every stack";
        return (text::count(0), cause, meaning.to_owned());
    };
    let [checked, hits, misses] = [used.checked, used.hits, used.misses].map(text::count);
    let meaning =
        format!("of {checked} checked: {hits} stacks by unwind rules, {misses} by the kernel");
    (text::count(used.mismatched), cause, meaning)
}
