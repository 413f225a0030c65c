//! All that one bench found out.

use std::process::Command;

use anyhow::Result;
use serde::Serialize;

use super::events::Watched;
use super::figure::Figures;
use super::machine;
use super::readings::{HostCensus, Scale};
use super::rounds::Timed;
use super::workload::{WORKLOADS, Workload};
use crate::command;

/// As the JSON has it.
#[derive(Default, Serialize)]
pub(super) struct Results {
    pub(super) date: String,
    pub(super) machine: String,
    /// How many rounds each figure is the median of.
    pub(super) runs: u32,
    pub(super) workloads: &'static [Workload],
    /// What there is to say about each peer.
    pub(super) peers: Vec<String>,
    /// A row for each load, a value for each variant.
    pub(super) rows: Vec<Vec<Timed>>,
    pub(super) events: Vec<Watched>,
    pub(super) scale: Option<Scale>,
    pub(super) census: Option<HostCensus>,
    /// Megabytes of kernel memory that all maps take.
    pub(super) maps: Option<f64>,
    pub(super) figures: Figures,
}

impl Results {
    /// Where and when, and nothing found out yet.
    pub(super) fn new(runs: u32) -> Result<Self> {
        let date = command::output(Command::new("date").arg("+%F"))?;
        Ok(Self {
            date: date.trim_end().to_owned(),
            machine: machine::describe()?,
            runs,
            workloads: &WORKLOADS,
            ..Self::default()
        })
    }
}
