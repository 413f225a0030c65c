//! Who took pages, the largest first, with how each grew and its stack.

use maud::{Markup, html};

use super::{ENTRIES, Traced, bar, curve::curve, named};
use crate::{
    model::{Entry, Report, Site},
    render::{text, trend},
};

/// How many stacks are open to begin with, and on paper.
const OPEN: usize = 3;

/// The ranking; nothing if nothing is ranked.
pub(super) fn ranking(traced: &Traced<'_>) -> Markup {
    let Traced {
        report, summary, ..
    } = traced;
    let shown = summary.entries.len().min(ENTRIES);
    let (entries, rest) = summary.entries.split_at(shown);
    if entries.is_empty() {
        return html! {};
    }
    let all = summary.totals.ranked_bytes.max(1) as f64;
    let (one, many) = text::entry(summary.selection.by);
    html! {
        section {
            h2 { "Who took pages and kept them" }
            table.ranking {
                thead {
                    tr {
                        th.number { "#" }
                        th.number { "Bytes" }
                        th {}
                        th.number { "Pages" }
                        th { "Order" }
                        th { "Kind" }
                        th { "Kept, by when it was taken" }
                        th { "Trend" }
                        th { "Owner" }
                    }
                }
                @for (index, entry) in entries.iter().enumerate() {
                    tbody {
                        tr {
                            td.number { (entry.rank) }
                            td.number { (text::bytes(entry.bytes)) }
                            td { (bar(entry.bytes as f64 / all)) }
                            td.number { (text::count(entry.pages)) }
                            td.word { (text::orders(entry)) }
                            td.word { (text::kinds(&entry.kinds)) }
                            td { @if let Some(points) = traced.curves.get(index) { (curve(points)) } }
                            td.word { (trend::word(entry)) }
                            td.code { (text::owner(entry)) }
                        }
                        tr.more {
                            td {}
                            td colspan="8" { (more(report, entry, index < OPEN)) }
                        }
                    }
                }
                @if !rest.is_empty() {
                    tbody {
                        tr.faint {
                            td {}
                            td.number { (text::bytes(rest.iter().map(|it| it.bytes).sum())) }
                            td {}
                            td.number { (text::count(rest.iter().map(|it| it.pages).sum())) }
                            td colspan="5" {
                                "in " (text::plural(rest.len() as u64, one, many))
                                " more, left out of this page; a JSON report has them"
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What else is known of an entry, and the stack of its largest site.
fn more(report: &Report, entry: &Entry, is_open: bool) -> Markup {
    let site = entry.sites.first();
    let site = site.and_then(|share| report.sites.get(share.site));
    html! {
        details open[is_open] {
            summary {
                "kept " (text::count(entry.pages)) " of "
                (text::counted(entry.allocated_pages, "page")) " taken"
                @if let Some(trend) = &entry.growth { "; " (trend::sentence(trend)) }
            }
            @if let Some(known) = entry.known {
                p { (named(&known.what)) " Normal: " (named(&known.normal)) }
            }
            @for held in entry.held_by.iter().take(3) {
                p.culprit {
                    (text::bytes(held.pages.saturating_mul(report.host.page_size)))
                    " held by " (named(&held.holder))
                }
            }
            @if let Some(site) = site {
                (stack(report, site))
                @if entry.sites.len() > 1 {
                    p.faint {
                        "the largest of "
                        (text::counted(entry.sites.len() as u64, "call site"))
                    }
                }
            }
        }
    }
}

fn stack(report: &Report, site: &Site) -> Markup {
    html! {
        @if let Some(task) = &site.first_seen {
            p.faint { "first by " (named(&task.name)) " (pid " (task.pid) ")" }
        }
        ol.stack {
            @for &index in &site.stack {
                @if let Some(frame) = report.frames.get(index as usize) {
                    li.owner[site.owner_frame == Some(index)] { (text::frame(frame)) }
                }
            }
        }
    }
}
