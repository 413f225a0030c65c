//! All that one bench found out.

use std::process::Command;

use anyhow::Result;
use serde::Serialize;

use super::comparison::Comparison;
use super::events::Costs;
use super::figure::Figure;
use super::machine;
use super::peer::{Found, Skipped};
use super::workload::{WORKLOADS, Workload};
use crate::command;

/// As the JSON has it.
#[derive(Serialize)]
pub(super) struct Results {
    pub(super) date: String,
    pub(super) machine: String,
    /// How many rounds each figure is the median of.
    pub(super) runs: u32,
    /// How many seconds were waited for with nothing to do.
    pub(super) idle_seconds: u32,
    pub(super) workloads: &'static [Workload],
    pub(super) peers: Vec<Found>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) comparisons: Vec<Comparison>,
    pub(super) events: Vec<Costs>,
    pub(super) figures: Vec<Figure>,
}

impl Results {
    /// Where and when, and nothing found out yet.
    pub(super) fn new(runs: u32, idle_seconds: u32) -> Result<Self> {
        let date = command::output(Command::new("date").arg("+%F"))?;
        Ok(Self {
            date: date.trim_end().to_owned(),
            machine: machine::describe()?,
            runs,
            idle_seconds,
            workloads: &WORKLOADS,
            peers: Vec::new(),
            skipped: Vec::new(),
            comparisons: Vec::new(),
            events: Vec::new(),
            figures: Vec::new(),
        })
    }

    /// How many of the targets were missed.
    pub(super) fn missed(&self) -> usize {
        self.figures.iter().filter(|it| !it.is_met()).count()
    }
}
