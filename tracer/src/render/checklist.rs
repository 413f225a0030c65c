//! The answer of `pagetrace check`.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::sentence;
use crate::commands::check::{Finding, Lack};

/// Writes one line per finding, and the remedy under what is not as it should be.
pub(super) fn checklist(findings: &[Finding], out: &mut impl Write) -> io::Result<()> {
    for finding in findings {
        let (style, word) = verdict(finding);
        let fact = match &finding.result {
            Ok(fact) => fact.clone(),
            Err(error) => sentence(error),
        };
        writeln!(
            out,
            "{style}{word:<8}{style:#} {:<20} {fact}",
            finding.subject
        )?;
        if let (Err(_), Some(remedy)) = (&finding.result, finding.remedy) {
            writeln!(out, "{:29} → {remedy}", "")?;
        }
    }
    Ok(())
}

const fn verdict(finding: &Finding) -> (Style, &'static str) {
    match (&finding.result, finding.otherwise) {
        (Ok(_), _) => (AnsiColor::Green.on_default(), "ok"),
        (Err(_), Lack::Degrades) => (AnsiColor::Yellow.on_default(), "limited"),
        (Err(_), Lack::Prevents) => (AnsiColor::Red.on_default(), "missing"),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    fn finding(result: anyhow::Result<String>, otherwise: Lack) -> Finding {
        Finding {
            subject: "memory",
            result,
            otherwise,
            remedy: Some("buy some"),
        }
    }

    #[test]
    fn only_a_lack_needs_a_remedy() {
        let findings = [
            finding(Ok("enough".to_owned()), Lack::Prevents),
            finding(Err(anyhow!("little")), Lack::Degrades),
            finding(Err(anyhow!("none")), Lack::Prevents),
        ];
        let mut text = Vec::new();
        checklist(&findings, &mut text).expect("memory takes everything");
        let text = String::from_utf8_lossy(&text);
        insta::assert_snapshot!("checklist", anstream::adapter::strip_str(&text));
        assert!(findings[1].lets_trace() && !findings[2].lets_trace());
    }
}
