//! All of memory as a picture: a bar of the groups, and each kind with a bar of its own.

use std::cmp::Reverse;

use maud::{Markup, html};

use super::{bar, named};
use crate::{
    model::{Balance, Line, Report},
    render::{text, tree::rows},
};

/// Counters that are shown of a trace.
const COUNTERS: usize = 12;

/// The balance of a case.
pub(super) fn balance(balance: &Balance) -> Markup {
    let total = balance.total_bytes.max(1) as f64;
    let smallest = balance.total_bytes / 500;
    html! {
        section {
            h2 { "Where memory is" }
            div.balance {
                @for (index, part) in balance.tree.parts.iter().enumerate() {
                    (segment(part, index, total))
                }
            }
            table {
                @for row in rows(&balance.tree, smallest) {
                    tr.culprit[is_culprit(balance, row.field)] {
                        td style=(format!("padding-left:{}em", row.depth)) { (named(&row.name)) }
                        td.number { (text::signed_bytes(row.bytes)) }
                        td.number { (text::percent(row.bytes as f64 / total)) }
                        td { (bar(row.bytes as f64 / total)) }
                        td.faint { (named(row.field)) }
                    }
                }
            }
        }
    }
}

fn is_culprit(balance: &Balance, field: &str) -> bool {
    let culprit = balance.verdict.culprit.as_ref();
    culprit.is_some_and(|it| it.field == field)
}

fn segment(part: &Line, index: usize, total: f64) -> Markup {
    let share = (part.bytes as f64 / total).clamp(0.0, 1.0);
    let label = format!("{}: {}", named(&part.name), text::signed_bytes(part.bytes));
    html! {
        span class=(format!("part{}", index % 5)) style=(format!("flex-grow:{share:.5}"))
            title=(label) {
            @if share > 0.08 { (label) }
        }
    }
}

/// What the kernel's own counters said at both ends of a trace, those that changed most; nothing if
/// they could not be read.
pub(super) fn counters(report: &Report) -> Markup {
    let Some(meminfo) = &report.meminfo else {
        return html! {};
    };
    let change = |(name, &ended): (&String, &u64)| {
        let started = meminfo.started.get(name).copied()?;
        (started != ended).then(|| (name.clone(), started, ended))
    };
    let mut changed: Vec<_> = meminfo.ended.iter().filter_map(change).collect();
    changed.sort_by_key(|(_, started, ended)| Reverse(started.abs_diff(*ended)));
    let largest = changed.first().map_or(1, |(_, a, b)| a.abs_diff(*b)) as f64;
    html! {
        section {
            h2 { "What the kernel's counters say" }
            table {
                thead {
                    tr { th { "/proc/meminfo" } th.number { "Before" } th.number { "After" }
                        th.number { "Change" } th {} }
                }
                @for (name, started, ended) in changed.iter().take(COUNTERS) {
                    tr {
                        td.code { (named(name)) }
                        td.number { (text::bytes(*started)) }
                        td.number { (text::bytes(*ended)) }
                        td.number { (text::change(difference(*started, *ended))) }
                        td { (bar(started.abs_diff(*ended) as f64 / largest)) }
                    }
                }
            }
        }
    }
}

fn difference(started: u64, ended: u64) -> i64 {
    let [started, ended] = [started, ended].map(|it| i64::try_from(it).unwrap_or(i64::MAX));
    ended.saturating_sub(started)
}
