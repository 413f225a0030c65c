//! The workloads under each variant, over and over, in one order and in the other by turns:
//! what changes about the machine meanwhile changes for all of them.

use std::iter::zip;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;
use tempfile::TempDir;

use super::figure::Spread;
use super::peer;
use super::report::{Losses, Report};
use super::variant::Variant;
use super::workload::{self, Load};

/// One workload under one variant.
#[derive(Debug, Serialize)]
pub(super) struct Timed {
    #[serde(flatten)]
    pub(super) load: Load,
    pub(super) variant: &'static str,
    /// Nanoseconds of an operation, by round.
    pub(super) nanoseconds: Vec<f64>,
}

impl Timed {
    /// How many times as long as `first` it took, round by round.
    pub(super) fn ratios(&self, first: &Self) -> impl Iterator<Item = f64> {
        zip(&self.nanoseconds, &first.nanoseconds).map(|(it, first)| it / first)
    }

    /// Median ratio, its range, and the median of what is added; nothing without a round.
    pub(super) fn cell(&self, first: &Self) -> Option<String> {
        let ratio = Spread::of(self.ratios(first))?;
        let pairs = zip(&self.nanoseconds, &first.nanoseconds);
        let added = Spread::of(pairs.map(|(it, first)| it - first))?;
        Some(format!("{} {:+.0} ns", ratio.cell(2), added.median))
    }
}

/// Runs each load under each variant that many times; gives a row for each load, and what all
/// reports say. Peers write to `trace`.
pub(super) fn run(
    variants: &[Variant<'_>],
    runs: u32,
    workload: &Path,
    trace: &Path,
) -> Result<(Vec<Vec<Timed>>, Losses)> {
    let timed = |load, variant: &Variant<'_>| Timed {
        load,
        variant: variant.name,
        nanoseconds: Vec::new(),
    };
    let row = |load| variants.iter().map(|it| timed(load, it)).collect();
    let mut rows: Vec<Vec<_>> = workload::loads().into_iter().map(row).collect();
    let mut losses = Losses::default();
    for round in 1..=runs {
        let mut order: Vec<_> = variants.iter().enumerate().collect();
        if round % 2 == 0 {
            order.reverse();
        }
        for (column, variant) in order {
            eprintln!("workloads, round {round} of {runs}: {}", variant.name);
            let timed = rows.iter_mut().map(|row| &mut row[column]);
            session(variant, timed, workload, &mut losses)
                .with_context(|| format!("cannot measure workloads: {}", variant.name))?;
            peer::delete(trace);
        }
    }
    Ok((rows, losses))
}

/// All workloads while one tracer is attached.
fn session<'a>(
    variant: &Variant<'_>,
    timed: impl Iterator<Item = &'a mut Timed>,
    workload: &Path,
    losses: &mut Losses,
) -> Result<()> {
    let folder = TempDir::new().context("cannot make a temporary folder")?;
    let report = folder.path().join("report.json");
    let attached = variant.start(&report)?;
    for timed in timed {
        timed.nanoseconds.push(timed.load.run(workload)?);
    }
    if let Some(attached) = attached {
        attached.stop()?;
    }
    if variant.reports() {
        Report::read(&report)?.add_to(losses)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::workload::PIPES;
    use super::*;

    #[test]
    fn each_value_is_compared_with_the_first_of_its_round() {
        let timed = |nanoseconds: [f64; 3]| Timed {
            load: Load {
                workload: &PIPES,
                threads: 1,
            },
            variant: "x",
            nanoseconds: nanoseconds.into(),
        };
        let first = timed([100.0, 200.0, 100.0]);
        let cell = timed([110.0, 220.0, 130.0]).cell(&first);
        assert_eq!(cell.as_deref(), Some("1.10 (1.10..1.30) +20 ns"));
    }
}
