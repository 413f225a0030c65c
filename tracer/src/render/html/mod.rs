//! One page that stands for itself: what was found first, then what it rests on. It asks no network
//! for anything, and what the kernel or a user has named stays text in it.

mod balance;
mod case;
mod curve;
mod flame_graph;
mod holders;
mod losses;
mod ranking;

use std::io::{self, Write};

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    case as cases, context,
    escape::harmless,
    flame::{SCRIPT, STYLE},
    headline::headline,
    text,
};
use crate::model::{Balance, Case, Report, StackSample, Summary};

/// How the page looks.
const PAGE_STYLE: &str = include_str!("page.css");

/// What the page may do: run and show what is in it, by the hash of its only script. Nothing is
/// fetched, sent or framed.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
                      base-uri 'none'; form-action 'none'; \
                      script-src 'sha256-/dIjl1Ah48OgKFJEgWKoShm19mn44V4uM1i9XHB506o='";

/// A trace, and what of it is shown.
pub struct Traced<'a> {
    /// All that was recorded.
    pub report: &'a Report,
    /// What was asked of it.
    pub summary: &'a Summary,
    /// The pages that are ranked.
    pub samples: &'a [StackSample],
    /// How the first entries grew: bytes by the end of equal parts of the recording.
    pub curves: &'a [Vec<u64>],
}

/// How many entries a page has at most.
pub const ENTRIES: usize = 100;

/// Writes a trace as a page.
pub fn html_report(traced: &Traced<'_>, out: &mut dyn Write) -> io::Result<()> {
    let lines = head_lines(traced)?;
    let (first, rest) = lines.split_first().map_or(("", &[][..]), |(a, b)| (a, b));
    let body = html! {
        header {
            h1 { (first) }
            @for line in rest {
                p { (line) }
            }
            (context(traced.report))
        }
        (trace(traced))
    };
    page(first, &body, out)
}

/// Writes a case as a page, with its balance and its trace where there are any.
pub fn html_case(
    case: &Case,
    balance: Option<&Balance>,
    traced: Option<&Traced<'_>>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let answer = cases::answer(case);
    let lines = traced.map(head_lines).transpose()?.unwrap_or_default();
    let (host, taken_at) = (text::host(&case.host), case.evidence.after.taken_at);
    let watched = text::seconds(case.window_seconds.duration());
    let body = html! {
        header {
            h1 { (answer) }
            p.faint { (host) "; " (format!("{taken_at:.0}")) "; watched for " (watched) }
        }
        (case::findings(case))
        @if let Some(balance) = balance {
            (balance::balance(balance))
        }
        (case::looked_at(case))
        @if let Some(traced) = traced {
            section {
                h2 { "The trace" }
                @for line in &lines {
                    p { (line) }
                }
                (context(traced.report))
            }
            (trace(traced))
        }
    };
    page(&answer, &body, out)
}

/// All that a trace has to show below its headline.
fn trace(traced: &Traced<'_>) -> Markup {
    html! {
        (ranking::ranking(traced))
        (flame_graph::flame_graph(traced))
        (holders::holders(traced))
        (balance::counters(traced.report))
        (losses::losses(traced.report))
    }
}

/// What a trace found, in the sentences of the table.
fn head_lines(traced: &Traced<'_>) -> io::Result<Vec<String>> {
    let mut bytes = Vec::new();
    headline(traced.report, traced.summary, &mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let plain = anstream::adapter::strip_str(&text).to_string();
    Ok(plain.lines().map(str::to_owned).collect())
}

fn context(report: &Report) -> Markup {
    html! {
        ul.faint {
            @for line in context::lines(report) {
                li { (line) }
            }
        }
    }
}

fn page(title: &str, body: &Markup, out: &mut dyn Write) -> io::Result<()> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { "pagetrace: " (title) }
                style { (PreEscaped(PAGE_STYLE)) (PreEscaped(STYLE)) }
            }
            body {
                (body)
                footer.faint {
                    "pagetrace " (env!("CARGO_PKG_VERSION"))
                    "; kernel addresses and names of processes are in this page"
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    writeln!(out, "{}", page.into_string())
}

/// A name that others chose: without what would hide or turn text; the template escapes the rest.
fn named(name: &str) -> String {
    harmless(name).into_owned()
}

/// A bar as wide as a share of all.
fn bar(share: f64) -> Markup {
    let percent = (share.clamp(0.0, 1.0) * 100.0).max(0.0);
    html! {
        span.bar { span style=(format!("width:{percent:.2}%")) {} }
    }
}

#[cfg(test)]
mod tests;
