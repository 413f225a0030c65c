//! The error bar: everything that was lost or not seen, zero or not.

use std::io::{self, Write};

use super::{
    table::{FAINT, HEADING},
    text,
};
use crate::model::{Feature, Losses, RecursionMisses, Report};

/// Writes one line per cause.
pub(super) fn error_bar(report: &Report, out: &mut impl Write) -> io::Result<()> {
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
        phantoms(losses),
        counted(
            losses.healed_pages,
            "healed slots",
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
            losses.nested_allocations,
            "nested allocations",
            "by an interrupt in the middle of another, without a stack",
        ),
        mismatched_sites(losses),
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
        templates(losses),
    ]
}

fn misses(losses: &Losses) -> Line {
    let cause = "recursion misses";
    let Some(sum) = losses.recursion_misses else {
        let meaning = "not counted by this kernel (tracefs tracepoints before Linux 6.7)";
        return ("unknown".to_owned(), cause, meaning.to_owned());
    };
    let count = |count: Option<u64>| count.map_or("unknown".to_owned(), text::count);
    let RecursionMisses { alloc, free, bulk } = losses.recursion_misses_by_program;
    let mut meaning = format!(
        "events on a CPU inside the same program: alloc {}, free {}",
        count(alloc),
        count(free)
    );
    if let Some(bulk) = bulk {
        meaning += &format!(", bulk {}", text::count(bulk));
    }
    (text::count(sum), cause, meaning)
}

fn phantoms(losses: &Losses) -> Line {
    let (number, meaning) = match losses.phantom_pages {
        Some(pages) => (
            text::count(pages),
            "found free at the end, dropped: their free was never seen",
        ),
        None => ("unknown".to_owned(), "pages could not be verified"),
    };
    (number, "phantom pages", meaning.to_owned())
}

fn mismatched_sites(losses: &Losses) -> Line {
    let pages = text::counted(losses.mismatched_pages, "page");
    let meaning = format!("call sites whose record does not match its key: {pages} unnamed");
    (
        text::count(losses.mismatched_sites),
        "record mismatches",
        meaning,
    )
}

fn bulk(report: &Report) -> Line {
    let (number, meaning) = match report.limitation(Feature::BulkAllocations) {
        None => (
            text::count(report.losses.unread_bulk_pages.unwrap_or(0)),
            "pages at most of calls too large or seen in part".to_owned(),
        ),
        Some(limitation) => (
            "unknown".to_owned(),
            format!("not traced: {}", limitation.reason),
        ),
    };
    (number, "bulk pages", meaning)
}

fn templates(losses: &Losses) -> Line {
    let cause = "template mismatches";
    let Some(used) = losses.templates else {
        let meaning = "not used: the kernel unwound every stack";
        return (text::count(0), cause, meaning.to_owned());
    };
    let [checked, hits, misses] = [used.checked, used.hits, used.misses].map(text::count);
    let meaning =
        format!("of {checked} checked: {hits} stacks by templates, {misses} by the kernel");
    (text::count(used.mismatched), cause, meaning)
}
