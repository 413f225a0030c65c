//! The answer of `pagetrace check`.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::escape::harmless;
use crate::model::{FeatureCheck, Severity};

/// Writes one line per feature, and the remedy under what is not as it should be.
pub(super) fn checklist(checks: &[FeatureCheck], out: &mut impl Write) -> io::Result<()> {
    for check in checks {
        let (style, word) = verdict(check);
        let (fact, remedy) = match &check.outcome {
            Ok(fact) => (fact, None),
            Err(limitation) => (&limitation.reason, limitation.remedy.as_ref()),
        };
        let (feature, fact) = (check.feature.name(), harmless(fact));
        writeln!(out, "{style}{word:<8}{style:#} {feature:<20} {fact}")?;
        if let Some(remedy) = remedy {
            writeln!(out, "{:29} → {}", "", harmless(remedy))?;
        }
    }
    Ok(())
}

fn verdict(check: &FeatureCheck) -> (Style, &'static str) {
    match check.outcome.as_ref().map_err(|it| it.severity) {
        Ok(_) => (AnsiColor::Green.on_default(), "ok"),
        Err(Severity::Degrades) => (AnsiColor::Yellow.on_default(), "limited"),
        Err(Severity::Prevents) => (AnsiColor::Red.on_default(), "missing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Feature;

    #[test]
    fn only_a_limitation_needs_a_remedy() {
        let outcomes = [
            Ok("enough".to_owned()),
            Err(Feature::Memory.degraded("little").remedied("buy some")),
            Err(Feature::Memory.prevented("none").remedied("buy some")),
        ];
        let checks = outcomes.map(|outcome| FeatureCheck {
            feature: Feature::Memory,
            outcome,
        });
        let mut text = Vec::new();
        checklist(&checks, &mut text).expect("memory takes everything");
        let text = String::from_utf8_lossy(&text);
        insta::assert_snapshot!("checklist", anstream::adapter::strip_str(&text));
        assert!(checks[1].lets_trace() && !checks[2].lets_trace());
    }
}
