//! What single events cost, by the kernel's own statistics. They cost some 20 ns an event
//! themselves, so nothing else is measured with them.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde::Serialize;
use tempfile::TempDir;

use super::attached::{Attached, Sign};
use super::programs::Programs;
use super::reading::Reading;
use super::spread::Spread;
use super::variant::{NO_CACHE, PAGETRACE, SCOPE_ALL, Variant};
use super::workload::{Load, PAGE_FAULTS, PIPES, WORKLOADS, Workload};

/// Programs that return at once.
pub(super) const EMPTY: &str = "empty program";

/// How long a workload has run before it is watched.
const WARM_UP: Duration = Duration::from_secs(1);

/// A workload under a tracer, watched once a round.
pub(super) struct Watched {
    pub(super) tracer: &'static str,
    pub(super) workload: &'static Workload,
    pub(super) readings: Vec<Reading>,
}

/// Which workloads are watched under which tracer.
fn plan() -> Vec<(&'static str, Vec<&'static Workload>)> {
    vec![
        (EMPTY, vec![&PIPES, &PAGE_FAULTS]),
        (PAGETRACE, WORKLOADS.iter().collect()),
        (SCOPE_ALL, vec![&PAGE_FAULTS]),
        (NO_CACHE, vec![&PIPES]),
    ]
}

/// Watches all of them that many times, in the same order.
pub(super) fn watch(runs: u32, programs: &Programs) -> Result<Vec<Watched>> {
    let mut all = Vec::new();
    for (tracer, workloads) in plan() {
        all.extend(workloads.into_iter().map(|workload| Watched {
            tracer,
            workload,
            readings: Vec::new(),
        }));
    }
    for round in 1..=runs {
        for of_tracer in all.chunk_by_mut(|a, b| a.tracer == b.tracer) {
            let tracer = of_tracer[0].tracer;
            eprintln!("events, round {round} of {runs}: {tracer}");
            session(of_tracer, programs)
                .with_context(|| format!("cannot watch events: {tracer}"))?;
        }
    }
    Ok(all)
}

/// All workloads of one tracer, while that is attached.
fn session(workloads: &mut [Watched], programs: &Programs) -> Result<()> {
    let folder = TempDir::new().context("cannot make a temporary folder")?;
    let report = folder.path().join("report.json");
    let attached = match Variant::own(workloads[0].tracer) {
        Some(variant) => variant.start(&programs.pagetrace, &report)?,
        None => Some(empty(programs)?),
    };
    let attached = attached.context("a tracer is watched, not nothing")?;
    for watched in workloads {
        let load = Load {
            workload: watched.workload,
            threads: 1,
        };
        let begin = Instant::now();
        while begin.elapsed() < WARM_UP {
            load.run(&programs.workload)?;
        }
        let command = load.command(&programs.workload);
        let reading = Reading::take(programs, attached.id(), Some(&command))?;
        watched.readings.push(reading);
    }
    attached.stop()
}

fn empty(programs: &Programs) -> Result<Attached> {
    let mut command = Command::new(&programs.bpf_stats);
    command.arg("empty");
    Attached::start(command, Sign::Says("attached"))
}

/// What all readings of one workload under one tracer give; what there was none of is left out.
#[derive(Debug, Serialize)]
pub(super) struct Costs {
    tracer: &'static str,
    workload: &'static str,
    allocation_nanoseconds: Option<Spread>,
    free_nanoseconds: Option<Spread>,
    events_per_second: Option<Spread>,
    hit_percent: Option<Spread>,
}

impl Watched {
    /// One number of each reading that has it.
    pub(super) fn each(&self, number: fn(&Reading) -> Option<f64>) -> Vec<f64> {
        self.readings.iter().filter_map(number).collect()
    }

    /// All that is to be told.
    pub(super) fn costs(&self) -> Costs {
        let spread = |number| Spread::of(self.each(number));
        Costs {
            tracer: self.tracer,
            workload: self.workload.name,
            allocation_nanoseconds: spread(Reading::allocation),
            free_nanoseconds: spread(Reading::free),
            events_per_second: spread(Reading::rate),
            hit_percent: spread(Reading::hits),
        }
    }
}

impl Costs {
    /// The names of the cells.
    pub(super) const HEADER: [&str; 6] = [
        "tracer",
        "workload",
        "allocation, ns",
        "free, ns",
        "events/s",
        "template hits, %",
    ];

    /// The cells of a table.
    pub(super) fn row(&self) -> Vec<String> {
        vec![
            self.tracer.to_owned(),
            self.workload.to_owned(),
            cell(self.allocation_nanoseconds, 1),
            cell(self.free_nanoseconds, 1),
            cell(self.events_per_second, 0),
            cell(self.hit_percent, 2),
        ]
    }
}

fn cell(spread: Option<Spread>, decimals: usize) -> String {
    spread.map_or_else(String::new, |spread| {
        let Spread {
            median,
            least,
            most,
        } = spread;
        format!("{median:.decimals$} ({least:.decimals$}..{most:.decimals$})")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_read_is_an_empty_cell() {
        let watched = Watched {
            tracer: EMPTY,
            workload: &PIPES,
            readings: vec![Reading::default()],
        };
        let row = watched.costs().row();
        assert_eq!(row[..5], [EMPTY, "pipes", "", "", ""]);
        assert_eq!(row.len(), Costs::HEADER.len());
    }

    #[test]
    fn a_cell_has_the_median_and_the_range() {
        let spread = Spread::of([1.0, 2.0, 4.0]);
        assert_eq!(cell(spread, 1), "2.0 (1.0..4.0)");
    }
}
