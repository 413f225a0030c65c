//! Loss accounting: everything that was lost or not seen.

use std::io::{self, Write};

use super::{
    escape::harmless,
    styles::{FAINT, HEADING},
    text,
};
use crate::model::{Feature, Losses, NoStack, RecursionMisses, Report, Site};

/// One cause.
pub(super) struct Line {
    /// How often it was met; none if that was not counted.
    pub(super) count: Option<u64>,
    pub(super) cause: &'static str,
    pub(super) meaning: String,
    /// Whether something is missing from the numbers, or wrong in them, because of it.
    pub(super) is_loss: bool,
}

/// Writes one line per cause, zero or not.
pub(super) fn loss_accounting(report: &Report, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "{HEADING}Lost or not seen{HEADING:#} in {}",
        text::counted(report.losses.events, "event")
    )?;
    for line in lines(report) {
        let Line { cause, meaning, .. } = &line;
        let count = number(line.count);
        writeln!(out, "{count:>12}  {cause:<29} {FAINT}{meaning}{FAINT:#}")?;
    }
    Ok(())
}

/// All causes of loss that were met or not counted, in one line.
pub(super) fn in_short(report: &Report) -> String {
    let events = text::counted(report.losses.events, "event");
    let losses = lines(report).into_iter().filter(|line| line.is_loss);
    let losses = losses.filter_map(|Line { count, cause, .. }| match count {
        Some(0) => None,
        Some(count) => Some(format!("{} {cause}", text::count(count))),
        None => Some(format!("{cause} unknown")),
    });
    let losses: Vec<_> = losses.collect();
    if losses.is_empty() {
        return format!("Losses: none in {events}");
    }
    format!("Losses: {} in {events}; -v explains", losses.join(", "))
}

pub(super) fn number(count: Option<u64>) -> String {
    count.map_or("unknown".to_owned(), text::count)
}

/// Each cause in words: `failed unwinds: 12, allocations without a stack`.
pub(super) fn in_words(report: &Report) -> impl Iterator<Item = String> {
    let lines = lines(report).into_iter();
    lines.map(|it| format!("{}: {}, {}", it.cause, number(it.count), it.meaning))
}

/// Every cause, met or not.
pub(super) fn lines(report: &Report) -> Vec<Line> {
    let losses = &report.losses;
    vec![
        misses(losses.recursion_misses),
        missed_frees_at_end(losses),
        loss(
            losses.missed_frees_at_reuse_pages,
            "missed frees found at reuse",
            "pages taken again though their free was never seen",
        ),
        loss(
            losses.unknown_reference_pages,
            "unknown references",
            "pages that may be free: who holds them could not be looked up",
        ),
        loss(
            losses.unnamed_pages,
            "unnamed pages",
            "may be vmalloc, percpu or large kmallocs: nothing on their stacks has a name",
        ),
        loss(
            losses.site_table_full,
            "site table full",
            "allocations without a site of their own; --max-sites",
        ),
        loss(
            losses.failed_unwinds,
            "failed unwinds",
            "allocations without a stack",
        ),
        loss(
            losses.nested_allocations,
            "nested allocations",
            "by an interrupt in the middle of another, without a stack",
        ),
        mismatched_sites(report),
        loss(
            losses.out_of_range,
            "frames out of range",
            "of memory added after the start: to trace it, start again",
        ),
        bulk(report),
        unwinds(report),
        no_loss(
            losses.unmatched_frees,
            "unmatched frees",
            "of pages older than the window or not to be recorded",
        ),
        no_loss(
            losses.failed_allocations,
            "failed allocations",
            "these took nothing",
        ),
        no_loss(
            losses.own_pages,
            "own pages",
            "taken by pagetrace itself, left out",
        ),
    ]
}

fn loss(count: u64, cause: &'static str, meaning: &str) -> Line {
    Line {
        count: Some(count),
        cause,
        meaning: meaning.to_owned(),
        is_loss: true,
    }
}

fn no_loss(count: u64, cause: &'static str, meaning: &str) -> Line {
    Line {
        is_loss: false,
        ..loss(count, cause, meaning)
    }
}

fn misses(misses: RecursionMisses) -> Line {
    const CAUSE: &str = "recursion misses";
    let Some(sum) = misses.sum() else {
        let meaning = "not counted by this kernel (tracefs tracepoints before Linux 6.7)";
        return Line {
            count: None,
            ..loss(0, CAUSE, meaning)
        };
    };
    let RecursionMisses { alloc, free, bulk } = misses;
    let mut meaning = format!(
        "events on a CPU inside the same program: alloc {}, free {}",
        number(alloc),
        number(free)
    );
    if let Some(bulk) = bulk {
        meaning += &format!(", bulk {}", text::count(bulk));
    }
    loss(sum, CAUSE, &meaning)
}

fn mismatched_sites(report: &Report) -> Line {
    let sites = report.sites.iter();
    let mismatched = sites.filter(|site| site.no_stack == Some(NoStack::RecordMismatch));
    let pages = text::counted(mismatched.map(Site::unfreed_pages).sum(), "page");
    let meaning = format!("call sites whose record does not match its key: {pages} unnamed");
    loss(
        report.losses.mismatched_sites,
        "record mismatches",
        &meaning,
    )
}

fn missed_frees_at_end(losses: &Losses) -> Line {
    let count = losses.missed_frees_at_end_pages;
    let meaning = match count {
        Some(_) => "pages found free at the end, left out: their free was never seen",
        None => "pages could not be verified",
    };
    or_limited(count, "missed frees found at the end", meaning)
}

fn bulk(report: &Report) -> Line {
    let meaning = match report.limitation(Feature::BulkAllocations) {
        None => "pages at most of calls too large or seen in part".to_owned(),
        Some(limitation) => format!("not traced: {}", harmless(&limitation.reason)),
    };
    or_limited(
        report.losses.unread_bulk_pages,
        "bulk pages not read",
        &meaning,
    )
}

/// A loss that is not known where a limitation of the report says so already.
fn or_limited(count: Option<u64>, cause: &'static str, meaning: &str) -> Line {
    Line {
        count,
        is_loss: count.is_some(),
        ..loss(0, cause, meaning)
    }
}

fn unwinds(report: &Report) -> Line {
    let cause = "wrong unwinds";
    // Arm's functions keep them on the stack, so that no rules are needed.
    let by = match &*report.host.arch {
        "aarch64" => "frame records",
        _ => "unwind rules",
    };
    let Some(used) = report.losses.unwind_rules else {
        let meaning = format!("no {by}: the kernel unwound every stack");
        return loss(0, cause, &meaning);
    };
    let [checked, hits, misses] = [used.checked, used.hits, used.misses].map(text::count);
    let meaning = format!("of {checked} checked: {hits} stacks by {by}, {misses} by the kernel");
    loss(used.mismatched, cause, &meaning)
}
