//! What was found, in the first lines: what makes the numbers doubtful, what is larger than what
//! is ranked, and how much that is.

use std::io::{self, Write};

use super::{
    elsewhere::elsewhere,
    escape::harmless,
    styles::{CULPRIT, HEADING},
    text,
};
use crate::model::{
    Choice as _, Context, Entry, Feature, Kind, KindChoice, Report, Scope, Selection, Summary,
};

/// Writes these lines.
pub(super) fn headline(report: &Report, summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    for doubt in doubts(report, summary) {
        writeln!(out, "{CULPRIT}{doubt}{CULPRIT:#}")?;
    }
    if let Some(elsewhere) = elsewhere(report, summary) {
        writeln!(out, "{HEADING}{elsewhere}{HEADING:#}")?;
    }
    let sum = if summary.totals.ranked_pages > 0 {
        kept(report, summary)
    } else {
        nothing_kept(report, summary)
    };
    writeln!(out, "{HEADING}{sum}{HEADING:#}")?;
    match drain(report, summary) {
        Some(estimate) => writeln!(out, "{estimate}"),
        None => Ok(()),
    }
}

/// What must be known before any number is read.
fn doubts(report: &Report, summary: &Summary) -> impl Iterator<Item = String> {
    let unverified = report.limitation(Feature::PageVerification).map(|it| {
        let reason = harmless(&it.reason);
        format!("Not verified, so freed pages and others' may be among them: {reason}")
    });
    [lost_events(report), stackless(report, summary), unverified]
        .into_iter()
        .flatten()
}

fn lost_events(report: &Report) -> Option<String> {
    let losses = &report.losses;
    losses.are_serious().then(|| {
        let (lost, events) = (losses.lost_events(), losses.events);
        let consequence = if losses.are_of_added_memory() {
            ", to memory added after the start: start again"
        } else {
            ": the numbers below are that far off"
        };
        format!(
            "{} of the events were lost, {} of {}{consequence}",
            percent(lost, events),
            text::count(lost),
            text::count(events)
        )
    })
}

/// These pages are counted: only who took them is not known.
fn stackless(report: &Report, summary: &Summary) -> Option<String> {
    let totals = &summary.totals;
    let (pages, ranked) = (totals.stackless_pages, totals.ranked_pages);
    let remedy = match report.losses.site_table_full {
        0 => "",
        _ => "; a larger --max-sites names more",
    };
    (pages > ranked / 100).then(|| {
        format!(
            "{} of the pages below have no stack, {} of {}: they are counted all the same{remedy}",
            percent(pages, ranked),
            text::count(pages),
            text::count(ranked)
        )
    })
}

fn percent(part: u64, whole: u64) -> String {
    text::percent(part as f64 / whole as f64)
}

/// How much is ranked.
fn kept(report: &Report, summary: &Summary) -> String {
    let totals = &summary.totals;
    format!(
        "{} kept{}{}: {} by {}; {} were taken in {}",
        text::bytes(totals.ranked_bytes),
        which(&summary.selection),
        lately(report),
        text::counted(totals.ranked_pages, "page"),
        takers(summary),
        text::bytes(report.taken_pages * report.host.page_size),
        counted(report),
    )
}

/// Which part of the recording the pages are of, if they are not of all.
fn lately(report: &Report) -> String {
    let window = &report.window;
    let before = window.recorded_before_seconds;
    let lately = |_| format!(" of the last {}", text::seconds(window.record()));
    before.map_or_else(String::new, lately)
}

/// The time in which taken pages were counted.
fn counted(report: &Report) -> String {
    let window = &report.window;
    match window.recorded_before_seconds {
        Some(_) => format!("all {}", text::seconds(window.counted())),
        None => text::seconds(window.record()),
    }
}

/// How many took them. Interrupts are no process.
fn takers(summary: &Summary) -> String {
    let by = summary.selection.by;
    let is_taker =
        |entry: &&Entry| by.takers().is_none() || entry.contexts.contains(&Context::Task);
    let takers = summary.entries.iter().filter(is_taker).count();
    let (one, many) = text::entry(by);
    let counted = text::plural(takers as u64, one, many);
    match summary.entries.len() - takers {
        0 => counted,
        _ if takers == 0 => "interrupts".to_owned(),
        _ => format!("{counted} and interrupts"),
    }
}

/// Which pages are ranked.
fn which(selection: &Selection) -> String {
    let is_asked = |choice| KindChoice::kinds(&[choice]) == selection.kinds;
    let kinds = if is_asked(KindChoice::Unaccounted) {
        " that no counter shows".to_owned()
    } else if is_asked(KindChoice::All) {
        String::new()
    } else {
        // Unverified pages come with raw ones, of which nobody can tell them.
        let kinds = selection.kinds.iter().filter(|&&it| it != Kind::Unverified);
        let kinds: Vec<_> = kinds.map(|kind| kind.name()).collect();
        format!(" as {}", kinds.join(", "))
    };
    let module = selection.module.as_ref();
    let module = module.map(|it| format!(" through {}", harmless(it)));
    kinds + &module.unwrap_or_default()
}

/// That there is no ranking, and how much was looked at.
fn nothing_kept(report: &Report, summary: &Summary) -> String {
    let totals = &summary.totals;
    let left = totals.unfreed_pages + totals.too_young_pages;
    let time = counted(report);
    let given_back = text::count(report.taken_pages.saturating_sub(left));
    if left == 0 && report.window.recorded_before_seconds.is_none() {
        let page = match report.window.scope {
            Scope::Kernel => "kernel page",
            Scope::All => "page",
        };
        return format!(
            "No {page} taken in these {time} was kept; {given_back} were taken and given back"
        );
    }
    let taken = text::count(report.taken_pages);
    let kept = format!(
        "Nothing kept{}{}",
        which(&summary.selection),
        lately(report)
    );
    match report.window.recorded_before_seconds {
        Some(_) => format!("{kept}; {taken} pages were taken in {time}"),
        None => format!("{kept}; {taken} pages were taken in {time}, and {given_back} given back"),
    }
}

/// What is in no number, as it was taken in the drain: an estimate, if it is not little.
fn drain(report: &Report, summary: &Summary) -> Option<String> {
    let totals = &summary.totals;
    let estimate = totals.drain_estimate_bytes;
    (estimate > totals.ranked_bytes / 100).then(|| {
        format!(
            "+ about {} more in the {} drain, if {}/s went on",
            text::bytes(estimate),
            text::seconds(report.window.drain()),
            text::bytes(totals.growth_bytes_per_second)
        )
    })
}
