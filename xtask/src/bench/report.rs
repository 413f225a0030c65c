//! What the bench reads of a report of pagetrace's.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::Value;

/// The report.
pub(super) struct Report(Value);

/// What reports say of their events, summed up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Losses {
    pub(super) events: f64,
    pub(super) lost_events: f64,
    /// Stacks that were unwound by rules and by the kernel as well.
    pub(super) checked: f64,
    /// Those of them that were not the same.
    pub(super) mismatched: f64,
}

impl Report {
    /// The report at `path`.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let report = serde_json::from_slice(&text);
        Ok(Self(report.with_context(|| {
            format!("{} is no JSON document", path.display())
        })?))
    }

    /// When recording began.
    pub(super) fn began(&self) -> Result<Timestamp> {
        let began = self.0.pointer("/window/started").and_then(Value::as_str);
        let began = began.context("the report does not say when recording began")?;
        Ok(began.parse()?)
    }

    /// How many seconds recording went on, and frees were watched after it.
    pub(super) fn seconds(&self) -> Result<f64> {
        Ok(self.number("/window/record_seconds")? + self.number("/window/drain_seconds")?)
    }

    /// Of one CPU in that time, how many hundredths pagetrace's process took.
    pub(super) fn cpu_percent(&self) -> Result<f64> {
        Ok(self.number("/cost/process_cpu_seconds")? * 100.0 / self.seconds()?)
    }

    /// Adds what it says of its events.
    pub(super) fn add_to(&self, losses: &mut Losses) -> Result<()> {
        losses.events += self.number("/losses/events")?;
        losses.lost_events += self.number("/summary/totals/lost_events")?;
        // There is none where the kernel unwound all stacks.
        if self.0["losses"]["unwind_rules"].is_object() {
            losses.checked += self.number("/losses/unwind_rules/checked")?;
            losses.mismatched += self.number("/losses/unwind_rules/mismatched")?;
        }
        Ok(())
    }

    fn number(&self, pointer: &str) -> Result<f64> {
        let number = self.0.pointer(pointer).and_then(Value::as_f64);
        number.with_context(|| format!("the report has no number at {pointer}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn losses_add_up_with_and_without_unwind_rules() {
        let report = |rules: Value| {
            Report(json!({
                "losses": {"events": 9, "unwind_rules": rules},
                "summary": {"totals": {"lost_events": 1}},
            }))
        };
        let rules = report(json!({"checked": 3, "mismatched": 0}));
        let mut sum = Losses::default();
        for report in [&report(Value::Null), &rules, &rules] {
            report.add_to(&mut sum).expect("all numbers");
        }
        assert_eq!((sum.events, sum.lost_events, sum.checked), (27.0, 3.0, 6.0));
        assert!(Report(json!({})).add_to(&mut sum).is_err());
    }
}
