//! `cargo xtask bench`: measures pagetrace on the machine it runs on, and its peers beside it.
//!
//! ```text
//! 2 x Example CPU @ 2.50GHz, 24645040 kB of memory, kernel 6.12.48, 2026-01-02. Medians of ...
//!
//! | workload | untraced | pagetrace                 | --scope all               | bpftrace ...
//! |-------|----------|---------------------------|---------------------------|-------------
//! | pipes | 9120 ns  | 1.08 (1.06..1.11) +730 ns | 1.10 (1.07..1.14) +912 ns | 4.61 (4.4...
//!
//! | start to attached | 0.130 s | 0.129..0.205 | <= 1 s | met |
//! ```

mod attached;
mod comparison;
mod document;
mod events;
mod figure;
mod figures;
mod idle;
mod losses;
mod machine;
mod peer;
mod programs;
mod reading;
mod results;
mod rounds;
mod scale;
mod spread;
mod variant;
mod window;
mod workload;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use rustix::process::geteuid;
use tempfile::TempDir;

use crate::workspace;
use comparison::Comparison;
use events::Watched;
use idle::Idle;
use losses::Losses;
use peer::Peer;
use programs::Programs;
use results::Results;
use rounds::Rounds;
use scale::Scale;
use variant::{PAGETRACE, SCOPE_ALL, Variant};
use window::Window;

/// How to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// How many rounds each figure is the median of; fewer than 7 are a trial
    #[arg(long, default_value_t = ENOUGH, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// How many seconds to wait with nothing to do
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    idle: u32,
    /// Write all results as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write docs/performance.md
    #[arg(long)]
    write: bool,
    /// Fail if a target is missed
    #[arg(long)]
    strict: bool,
}

/// What a median takes that is worth to be kept.
const ENOUGH: u32 = 7;

/// Runs the verb.
pub(crate) fn run(options: &Options) -> Result<()> {
    ensure!(
        geteuid().is_root(),
        "the bench traces the running kernel: run it as root"
    );
    ensure!(
        !options.write || options.runs >= ENOUGH,
        "{} runs are too few for docs/performance.md: give at least --runs {ENOUGH}",
        options.runs
    );
    let results = measure(options)?;
    println!("{}", document::body(&results));
    keep(&results, options)?;
    let missed = results.missed();
    ensure!(
        missed == 0 || !options.strict,
        "missed {missed} of the targets"
    );
    Ok(())
}

/// Everything, one after the other: nothing else may run meanwhile.
fn measure(options: &Options) -> Result<Results> {
    let mut results = Results::new(options.runs, options.idle)?;
    let programs = Programs::build()?;
    workloads(&mut results, &programs)?;
    let watched = events::watch(options.runs, &programs)?;
    results.events = watched.iter().map(Watched::costs).collect();
    results.figures.extend(figures::of_events(&watched));
    let windows = Window::measure_all(options.runs, &programs.pagetrace)?;
    results.figures.extend(figures::of_windows(&windows));
    let idle = Idle::measure(options.idle, &programs)?;
    results.figures.extend(figures::of_waiting(&idle));
    let scale = Scale::measure(options.runs, &programs)?;
    results.figures.extend(scale.figures());
    Ok(results)
}

fn workloads(results: &mut Results, programs: &Programs) -> Result<()> {
    let folder = TempDir::new().context("cannot make a temporary folder")?;
    let trace = folder.path().join("trace");
    let (peers, skipped) = Peer::all(&trace);
    for peer in &skipped {
        eprintln!("SKIPPED {}: {}", peer.name, peer.reason);
    }
    results.peers = peers.iter().map(Peer::found).collect();
    results.skipped = skipped;
    let (loads, variants) = (workload::loads(), Variant::all(&peers));
    let mut rounds = Rounds::new(&loads, &variants);
    rounds.run(results.runs, programs, &trace)?;
    results.comparisons = Comparison::all(&rounds).context("there was no round")?;
    let figures = figures::of_workloads(&results.comparisons);
    results.figures.extend(figures);
    results.figures.extend(figures::of_losses(&losses(&rounds)));
    Ok(())
}

/// Those with templates.
fn losses(rounds: &Rounds<'_>) -> Losses {
    let mut sum = Losses::default();
    for (variant, losses) in rounds.variants.iter().zip(&rounds.losses) {
        if [PAGETRACE, SCOPE_ALL].contains(&variant.name) {
            sum += *losses;
        }
    }
    sum
}

fn keep(results: &Results, options: &Options) -> Result<()> {
    if let Some(path) = &options.json {
        let json = serde_json::to_string_pretty(results).context("cannot make JSON of it")?;
        write(path, &(json + "\n"))?;
    }
    if options.write {
        let path = workspace::root()?.join("docs/performance.md");
        write(&path, &document::document(results))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
