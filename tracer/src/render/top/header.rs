//! The answer, where the numbers are from, and which table this is.

use std::time::Duration;

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use super::style::{Styles, cut, on_both_sides};
use crate::{
    model::{Balance, LookSource, TopScreen, TopSort, TopTab},
    render::{escape::harmless, loss_accounting, text},
};

/// What no counter accounts for, and what to think of it.
pub(super) fn answer(screen: &TopScreen<'_>, styles: Styles, width: u16) -> Line<'static> {
    let balance = screen.look.balance.as_ref();
    let text = match balance {
        Some(balance) => {
            let change = screen.unaccounted_change_bytes;
            unaccounted(balance, change.unwrap_or(0))
        }
        None => "Unaccounted memory is not known".to_owned(),
    };
    let is_wrong = balance.is_some_and(|it| it.verdict.culprit.is_some());
    let style = if is_wrong {
        styles.culprit()
    } else {
        Styles::heading()
    };
    let right = Span::styled(state(screen), Styles::heading());
    on_both_sides(Span::styled(text, style), right, width)
}

/// `3.02 GiB unaccounted (12.8 %, +31.25 MiB), ABOVE the threshold of 2.35 GiB`.
fn unaccounted(balance: &Balance, change: i64) -> String {
    let threshold = balance.verdict.threshold_bytes;
    let is_above = u64::try_from(balance.unaccounted_bytes).is_ok_and(|it| it >= threshold);
    let (bytes, threshold) = (
        text::signed_bytes(balance.unaccounted_bytes),
        text::bytes(threshold),
    );
    let share = balance.unaccounted_bytes as f64 / balance.total_bytes.max(1) as f64;
    let share = text::percent(share);
    let side = if is_above { "ABOVE" } else { "below" };
    let change = match change {
        0 => String::new(),
        change => format!(", {}", text::change(change)),
    };
    let mut sentence =
        format!("{bytes} unaccounted ({share}{change}), {side} the threshold of {threshold}");
    let culprit = balance.verdict.culprit.as_ref().filter(|_| !is_above);
    if let Some(culprit) = culprit {
        let (bytes, name) = (text::bytes(culprit.bytes), harmless(&culprit.name));
        sentence += &format!("; {bytes} {name} is ABOVE it");
    }
    sentence
}

/// How time passes here.
fn state(screen: &TopScreen<'_>) -> String {
    match screen.position {
        Some(position) => format!("look {} of {}", position.number, position.of),
        None if screen.is_paused => "PAUSED".to_owned(),
        None => format!("every {} s", screen.interval.as_secs()),
    }
}

/// `own trace for 12 s; Losses: none in 140,000 events; Linux 6.18 x86_64, 2 CPUs, 23.54 GiB`.
pub(super) fn source(screen: &TopScreen<'_>, styles: Styles, width: u16) -> Line<'static> {
    let report = &screen.look.report;
    let since = since(report.window.counted());
    let source = match screen.look.source {
        LookSource::Service => format!("service for {since}"),
        LookSource::OwnTrace => format!("own trace for {since}"),
        LookSource::Saved => format!("trace of {since}"),
    };
    let window = report.window.recorded_before_seconds;
    let window = window.map(|_| {
        let last = self::since(report.window.record());
        format!(", pages of the last {last}")
    });
    let losses = loss_accounting::in_short(report);
    let losses = losses.trim_end_matches("; -v explains");
    let host = text::host(&report.host);
    let window = window.unwrap_or_default();
    let at = screen.look.taken_at;
    let text = format!("{source}{window}; {losses}; {host}");
    let style = if report.losses.are_serious() {
        styles.culprit()
    } else {
        Styles::faint()
    };
    on_both_sides(
        Span::styled(text, style),
        Span::styled(format!("{at:.0}"), Styles::faint()),
        width,
    )
}

/// `12 s`, `40 min`, `5 h`, `3 d`: so long, in whole units.
fn since(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", text::count(seconds / 86400)),
    }
}

/// The names of the tables, that of this one marked, and what it is sorted by.
pub(super) fn tabs(screen: &TopScreen<'_>, width: u16) -> Line<'static> {
    let width = usize::from(width);
    let all = TopTab::ALL.map(|tab| format!("{} {}", tab.index() + 1, name(tab)));
    let needed: usize = all.iter().map(|it| it.len() + 2).sum();
    let sorted = format!("by {}", sorted(screen.sort));
    if needed > width {
        let text = format!("{} {sorted}", all[screen.tab.index()]);
        return Line::styled(cut(&text, width), here());
    }
    let mut spans = Vec::new();
    for (tab, text) in TopTab::ALL.into_iter().zip(all) {
        let style = if tab == screen.tab {
            here()
        } else {
            Styles::faint()
        };
        spans.push(Span::styled(format!(" {text} "), style));
    }
    let rest = format!("  {}, {sorted}", shown(screen));
    spans.push(Span::raw(cut(&rest, width.saturating_sub(needed))));
    Line::from(spans)
}

fn here() -> Style {
    Styles::heading().patch(Styles::selected())
}

/// How much is in the table: `32.54 MiB in 3 functions`.
fn shown(screen: &TopScreen<'_>) -> String {
    let lines = screen.rows.len() as u64;
    let (one, many) = match screen.tab {
        TopTab::Sites => ("function", "functions"),
        TopTab::Holders => ("holder", "holders"),
        TopTab::Processes => return text::plural(lines, "process", "processes"),
        TopTab::Kinds => ("kind", "kinds"),
    };
    let bytes = screen.rows.iter().map(|it| it.bytes);
    let bytes = text::bytes(bytes.fold(0, u64::saturating_add));
    format!("{bytes} in {}", text::plural(lines, one, many))
}

const fn name(tab: TopTab) -> &'static str {
    match tab {
        TopTab::Sites => "Sites",
        TopTab::Holders => "Holders",
        TopTab::Processes => "Processes",
        TopTab::Kinds => "Kinds",
    }
}

const fn sorted(sort: TopSort) -> &'static str {
    match sort {
        TopSort::Bytes => "bytes",
        TopSort::Growth => "growth",
        TopSort::Name => "name",
    }
}
