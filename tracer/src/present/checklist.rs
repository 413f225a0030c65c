//! The answer of `pagetrace check`.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::check::{Finding, State};

/// Writes one line per finding, and the remedy under what is not as it should be.
pub fn checklist(findings: &[Finding], out: &mut impl Write) -> io::Result<()> {
    for finding in findings {
        let (style, word) = word(finding.state);
        writeln!(
            out,
            "{style}{word:<8}{style:#} {:<20} {}",
            finding.subject, finding.fact
        )?;
        if let Some(remedy) = &finding.remedy {
            writeln!(out, "{:29} → {remedy}", "")?;
        }
    }
    Ok(())
}

const fn word(state: State) -> (Style, &'static str) {
    match state {
        State::Ok => (AnsiColor::Green.on_default(), "ok"),
        State::Degraded => (AnsiColor::Yellow.on_default(), "limited"),
        State::Missing => (AnsiColor::Red.on_default(), "missing"),
    }
}
