//! What single events cost, by the kernel's own statistics. They cost some 20 ns an event
//! themselves, so nothing else is measured with them.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde::Serialize;
use tempfile::TempDir;

use super::figure::Spread;
use super::programs::Programs;
use super::readings::Reading;
use super::variant::Variant;
use super::workload::{Load, Workload};
use crate::command;

/// How long a workload has run before it is watched.
const WARM_UP: Duration = Duration::from_secs(1);

/// A workload under a tracer, watched once a round.
#[derive(Serialize)]
pub(super) struct Watched {
    pub(super) tracer: &'static str,
    pub(super) workload: &'static str,
    pub(super) readings: Vec<Reading>,
}

/// Which workloads are watched under which tracer.
pub(super) type Plan<'a> = [(Variant<'a>, Vec<&'static Workload>)];

/// Watches all of it that many times, in the same order.
pub(super) fn watch(plan: &Plan<'_>, runs: u32, programs: &Programs) -> Result<Vec<Watched>> {
    let pairs = plan
        .iter()
        .flat_map(|(tracer, workloads)| workloads.iter().map(|workload| (tracer.name, workload)));
    let mut all: Vec<_> = pairs
        .map(|(tracer, workload)| Watched::new(tracer, workload))
        .collect();
    for round in 1..=runs {
        let mut watched = all.iter_mut();
        for (tracer, workloads) in plan {
            eprintln!("events, round {round} of {runs}: {}", tracer.name);
            let readings = session(tracer, workloads, programs)
                .with_context(|| format!("cannot watch events: {}", tracer.name))?;
            // The longer one first: nothing of it may be taken in vain.
            for (reading, watched) in readings.into_iter().zip(&mut watched) {
                watched.readings.push(reading);
            }
        }
    }
    Ok(all)
}

/// One reading of each workload, while the tracer is attached.
fn session(
    tracer: &Variant<'_>,
    workloads: &[&'static Workload],
    programs: &Programs,
) -> Result<Vec<Reading>> {
    let folder = TempDir::new().context("cannot make a temporary folder")?;
    let attached = tracer.start(&folder.path().join("report.json"))?;
    let attached = attached.context("a tracer is watched, not nothing")?;
    let mut readings = Vec::new();
    for workload in workloads {
        let load = Load {
            workload,
            threads: 1,
        };
        let begin = Instant::now();
        while begin.elapsed() < WARM_UP {
            load.run(&programs.workload)?;
        }
        readings.push(read(attached.id(), &load, programs)?);
    }
    attached.stop()?;
    Ok(readings)
}

/// Reads the programs of the process `pid` while the load runs.
fn read(pid: u32, load: &Load, programs: &Programs) -> Result<Reading> {
    let load = load.command(&programs.workload);
    let mut bpf_stats = Command::new(&programs.bpf_stats);
    bpf_stats.args(["read", "--pid", &pid.to_string(), "--"]);
    bpf_stats.arg(load.get_program()).args(load.get_args());
    let text = command::output(&mut bpf_stats)?;
    serde_json::from_str(&text).with_context(|| format!("bpf_stats said `{text}`"))
}

impl Watched {
    fn new(tracer: &'static str, workload: &Workload) -> Self {
        Self {
            tracer,
            workload: workload.name,
            readings: Vec::new(),
        }
    }

    /// One number of each reading that has it.
    pub(super) fn each(&self, number: fn(&Reading) -> Option<f64>) -> Vec<f64> {
        self.readings.iter().filter_map(number).collect()
    }

    /// The names of the cells.
    pub(super) const HEADER: [&str; 6] = [
        "tracer",
        "workload",
        "allocation, ns",
        "free, ns",
        "events/s",
        "unwind rule hits, %",
    ];

    /// The cells of a table; what there was none of is left out.
    pub(super) fn row(&self) -> Vec<String> {
        let cell = |number, decimals| {
            let spread = Spread::of(self.each(number));
            spread.map_or_else(String::new, |spread| spread.cell(decimals))
        };
        vec![
            self.tracer.to_owned(),
            self.workload.to_owned(),
            cell(Reading::allocation, 1),
            cell(Reading::free, 1),
            cell(Reading::rate, 0),
            cell(Reading::hit_percent, 2),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::workload::PIPES;
    use super::*;

    #[test]
    fn what_was_never_read_is_an_empty_cell() {
        let mut watched = Watched::new("empty program", &PIPES);
        watched.readings.push(Reading::default());
        assert_eq!(watched.row(), ["empty program", "pipes", "", "", "", ""]);
    }
}
