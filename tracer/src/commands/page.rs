//! The page about a trace or a case.

use std::io;

use crate::{
    analysis,
    model::{Case, KindChoice, Report, Selection, Threshold},
    render::{self, ENTRIES, Traced},
};

/// Writes the page about a trace.
pub(super) fn of_report(
    report: &Report,
    selection: &Selection,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    with(report, selection, |traced| render::html_report(traced, out))
}

/// Writes the page about a case: its balance, and its trace as the selection asks.
pub(super) fn of_case(
    case: &Case,
    selection: &Selection,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let after = &case.evidence.after;
    let balance = analysis::balance(&after.memory, Threshold::Usual).ok();
    let balance = balance.map(|mut balance| {
        let vmalloc = after.memory.vmalloc.as_deref().unwrap_or_default();
        analysis::explain(&mut balance, after.holders(), vmalloc);
        balance
    });
    let balance = balance.as_ref();
    match &case.evidence.trace {
        Some(trace) => with(trace, selection, |traced| {
            render::html_case(case, balance, Some(traced), out)
        }),
        None => render::html_case(case, balance, None, out),
    }
}

/// What is ranked unless somebody says otherwise.
pub(super) fn usual() -> Selection {
    Selection {
        kinds: KindChoice::kinds(&[KindChoice::Unaccounted]),
        ..Selection::default()
    }
}

fn with<T>(report: &Report, selection: &Selection, write: impl FnOnce(&Traced<'_>) -> T) -> T {
    let summary = analysis::summary(report, selection);
    let samples = analysis::samples(report, selection);
    let curves = analysis::curves(report, &summary, ENTRIES);
    write(&Traced {
        report,
        summary: &summary,
        samples: &samples,
        curves: &curves,
    })
}
