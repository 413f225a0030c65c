//! The workloads under each variant, over and over in the same order: what changes about
//! the machine meanwhile changes for all of them.

use std::path::Path;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use super::losses::Losses;
use super::peer;
use super::programs::Programs;
use super::variant::Variant;
use super::workload::Load;

/// What was measured.
pub(super) struct Rounds<'a> {
    pub(super) loads: &'a [Load],
    pub(super) variants: &'a [Variant<'a>],
    /// Nanoseconds of an operation, by load, variant and round.
    pub(super) nanoseconds: Vec<Vec<Vec<f64>>>,
    /// By variant; those that leave no report have none.
    pub(super) losses: Vec<Losses>,
}

impl<'a> Rounds<'a> {
    /// Nothing yet.
    pub(super) fn new(loads: &'a [Load], variants: &'a [Variant<'a>]) -> Self {
        Self {
            loads,
            variants,
            nanoseconds: vec![vec![Vec::new(); variants.len()]; loads.len()],
            losses: vec![Losses::default(); variants.len()],
        }
    }

    /// Runs all workloads under all variants that many times. Peers write to `trace`.
    pub(super) fn run(&mut self, runs: u32, programs: &Programs, trace: &Path) -> Result<()> {
        for round in 1..=runs {
            for (index, variant) in self.variants.iter().enumerate() {
                eprintln!("workloads, round {round} of {runs}: {}", variant.name);
                self.session(index, programs)
                    .with_context(|| format!("cannot measure workloads: {}", variant.name))?;
                peer::delete(trace);
            }
        }
        Ok(())
    }

    /// All workloads while one tracer is attached.
    fn session(&mut self, index: usize, programs: &Programs) -> Result<()> {
        let folder = TempDir::new().context("cannot make a temporary folder")?;
        let report = folder.path().join("report.json");
        let variant = &self.variants[index];
        let attached = variant.start(&programs.pagetrace, &report)?;
        for (load, nanoseconds) in self.loads.iter().zip(&mut self.nanoseconds) {
            nanoseconds[index].push(load.run(&programs.workload)?);
        }
        if let Some(attached) = attached {
            attached.stop()?;
        }
        if variant.reports() {
            self.losses[index] += Losses::read(&report)?;
        }
        Ok(())
    }
}
