//! What a report of pagetrace's says about itself.

use std::fs;
use std::ops::AddAssign;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// The part of the error bar that the bench looks at: events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Losses {
    pub(super) events: u64,
    pub(super) lost_events: u64,
    pub(super) templates: Option<Templates>,
}

/// How stacks were unwound by templates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Templates {
    pub(super) hits: u64,
    pub(super) misses: u64,
    pub(super) checked: u64,
    pub(super) mismatched: u64,
}

#[derive(Deserialize)]
struct Report {
    losses: ReportLosses,
    summary: Summary,
}

#[derive(Deserialize)]
struct ReportLosses {
    events: u64,
    unwind_rules: Option<Templates>,
}

#[derive(Deserialize)]
struct Summary {
    totals: Totals,
}

#[derive(Deserialize)]
struct Totals {
    lost_events: u64,
}

impl Losses {
    /// Those of the report at `path`.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text)
    }

    fn parse(text: &[u8]) -> Result<Self> {
        let report: Report = serde_json::from_slice(text)
            .context("a report of pagetrace's lacks what the bench reads: see bench/losses.rs")?;
        Ok(Self {
            events: report.losses.events,
            lost_events: report.summary.totals.lost_events,
            templates: report.losses.unwind_rules,
        })
    }
}

impl AddAssign for Losses {
    fn add_assign(&mut self, other: Self) {
        self.events += other.events;
        self.lost_events += other.lost_events;
        if let Some(other) = other.templates {
            let templates = self.templates.get_or_insert_default();
            templates.hits += other.hits;
            templates.misses += other.misses;
            templates.checked += other.checked;
            templates.mismatched += other.mismatched;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &[u8] = br#"{"schema": 1, "losses": {"events": 9,
        "unwind_rules": {"hits": 6, "misses": 2, "checked": 3, "mismatched": 0}},
        "summary": {"totals": {"lost_events": 1}}}"#;
    const UNCACHED: &[u8] = br#"{"losses": {"events": 5, "unwind_rules": null},
        "summary": {"totals": {"lost_events": 0}}}"#;

    #[test]
    fn losses_add_up_with_and_without_templates() {
        let mut sum = Losses::default();
        for text in [UNCACHED, REPORT, REPORT] {
            sum += Losses::parse(text).expect("a report");
        }
        assert_eq!((sum.events, sum.lost_events), (23, 2));
        let templates = sum.templates.expect("two reports had some");
        assert_eq!((templates.hits, templates.checked), (12, 6));
    }

    #[test]
    fn another_text_is_no_report() {
        assert!(Losses::parse(b"{}").is_err());
    }
}
