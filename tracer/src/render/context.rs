//! What a reader may want to know of a report beside what was found: the machine, the window, what
//! tracing cost, what could not be done, and what was lost.

use std::io::{self, Write};

use super::{escape::harmless, loss_accounting, styles::FAINT, text};
use crate::model::{Feature, Report, Scope};

/// Writes a line of each.
pub(super) fn context(report: &Report, out: &mut impl Write) -> io::Result<()> {
    for line in facts(report) {
        writeln!(out, "{line}")?;
    }
    for limitation in &report.limitations {
        if limitation.feature == Feature::PageVerification {
            // That was said before the numbers.
            continue;
        }
        writeln!(out, "{FAINT}{}{FAINT:#}", text::limitation(limitation))?;
    }
    writeln!(out, "{}", loss_accounting::in_short(report))
}

/// The same without the losses, and with every limitation: lines for other places than a terminal.
pub(super) fn lines(report: &Report) -> impl Iterator<Item = String> {
    let limitations = report.limitations.iter().map(text::limitation);
    facts(report).into_iter().chain(limitations)
}

fn facts(report: &Report) -> [String; 3] {
    [machine(report), window(report), cost(report)]
}

fn machine(report: &Report) -> String {
    let host = text::host(&report.host);
    let length = text::seconds(report.window.length());
    let started = report.window.started;
    format!("{host}; {length} from {started:.0}")
}

fn window(report: &Report) -> String {
    let window = &report.window;
    let mut pages = match window.scope {
        Scope::Kernel => "Kernel pages (pinned user memory needs --scope all)".to_owned(),
        Scope::All => "All pages".to_owned(),
    };
    if !window.filters.is_empty() {
        pages += &format!(" with {}", harmless(&window.filters.join(" ")));
    }
    let recorded = format!("{pages} recorded for {}", text::seconds(window.record()));
    if window.recorded_before_seconds.is_some() {
        let counted = text::seconds(window.counted());
        return format!("{recorded}; pages taken, events and losses are those of all {counted}");
    }
    if window.drain().is_zero() {
        return recorded;
    }
    format!(
        "{recorded}, then only frees for {}",
        text::seconds(window.drain())
    )
}

/// What tracing cost the machine, as far as it was measured, in parts of one CPU.
fn cost(report: &Report) -> String {
    let seconds = report.window.counted().as_secs_f64().max(f64::MIN_POSITIVE);
    let rate = report.losses.events as f64 / seconds;
    let own = match report.cost.process_cpu_seconds {
        Some(time) => format!("{} of a CPU", percent(time.count() / seconds)),
        None => "not measured".to_owned(),
    };
    let programs = report.cost.programs;
    let programs = match programs.and_then(|it| it.mean_nanoseconds()) {
        Some(mean) => format!(" at {mean:.0} ns, {}", percent(rate * mean / 1e9)),
        None => ", whose cost is not measured (kernel.bpf_stats_enabled)".to_owned(),
    };
    let rate = text::count(rate.round() as u64);
    format!("Cost: pagetrace itself {own}; {rate} events/s{programs}")
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}
