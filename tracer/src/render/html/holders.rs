//! Who has the pages now.

use std::{cmp::Reverse, collections::BTreeMap};

use maud::{Markup, html};

use super::{Traced, bar, named};
use crate::render::text;

/// Holders that a page names.
const SHOWN: usize = 30;

/// The holders of pages that are ranked, largest first; nothing if none was found.
pub(super) fn holders(traced: &Traced<'_>) -> Markup {
    let mut sums = BTreeMap::<&str, u64>::new();
    let mut nobody = 0_u64;
    for sample in traced.samples {
        let site = traced.report.sites.get(sample.site);
        let holder = site
            .zip(sample.holder)
            .and_then(|(site, it)| site.held_by.get(it));
        let sum = match holder {
            Some(holder) => sums.entry(&holder.holder).or_default(),
            None => &mut nobody,
        };
        *sum = sum.saturating_add(sample.pages.saturating_mul(traced.report.host.page_size));
    }
    if sums.is_empty() {
        return html! {};
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(_, bytes)| Reverse(*bytes));
    let (shown, rest) = sums.split_at(sums.len().min(SHOWN));
    let all = traced.summary.totals.ranked_bytes.max(1) as f64;
    html! {
        section {
            h2 { "Who has them now" }
            table {
                @for (holder, bytes) in shown {
                    (row(*bytes, all, &named(holder)))
                }
                @if !rest.is_empty() {
                    @let holders = text::counted(rest.len() as u64, "more holder");
                    (row(rest.iter().map(|(_, bytes)| bytes).sum(), all, &holders))
                }
                @if nobody > 0 {
                    (row(nobody, all, "nobody that was found"))
                }
            }
        }
    }
}

fn row(bytes: u64, all: f64, name: &str) -> Markup {
    html! {
        tr {
            td.number { (text::bytes(bytes)) }
            td { (bar(bytes as f64 / all)) }
            td { (name) }
        }
    }
}
