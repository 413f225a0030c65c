//! `cargo xtask bench`: measures pagetrace on the machine it runs on, and its peers beside it.
//!
//! ```text
//! 2 x Example CPU @ 2.50GHz, 24645040 kB of memory, kernel 6.12.48, 2026-01-02. Medians of ...
//!
//! | workload | untraced | pagetrace                 | --scope all               | bpftrace ...
//! |----------|----------|---------------------------|---------------------------|-------------
//! | pipes    | 9120 ns  | 1.08 (1.06..1.11) +730 ns | 1.10 (1.07..1.14) +912 ns | 4.61 (4.4...
//!
//! | start to attached | 0.130 (0.129..0.205) s | <= 1 s | met |
//! ```

mod answers;
mod attached;
mod document;
mod events;
mod figure;
mod figures;
mod machine;
mod peer;
mod programs;
#[path = "../../tests/src/readings.rs"]
#[expect(unreachable_pub, reason = "the helper programs have it from a library")]
mod readings;
mod report;
mod results;
mod rounds;
mod variant;
mod window;
mod workload;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use rustix::process::geteuid;
use tempfile::TempDir;

use crate::{command, workspace};
use answers::Answers;
use peer::Peer;
use programs::Programs;
use readings::{HostCensus, Scale};
use results::Results;
use variant::{NO_CACHE, PAGETRACE, SCOPE_ALL, Variant};
use window::Window;
use workload::{PAGE_FAULTS, PIPES, WORKLOADS};

/// How to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// How many rounds each figure is the median of; fewer than 7 are a trial
    #[arg(long, default_value_t = ENOUGH, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// How many seconds to wait with nothing to do
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    idle: u32,
    /// Compare with another build of pagetrace, and do nothing else
    #[arg(long, value_name = "PROGRAM", conflicts_with_all = ["idle", "write", "strict"])]
    against: Option<PathBuf>,
    /// Compare the service with a trace, and do nothing else
    #[arg(long, conflicts_with_all = ["idle", "write", "against"])]
    service: bool,
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
    let programs = Programs::build()?;
    let results = match &options.against {
        Some(before) => compare(before, options.runs, &programs)?,
        None if options.service => service(options.runs, &programs)?,
        None => measure(options, &programs)?,
    };
    println!("{}", document::body(&results));
    keep(&results, options)?;
    let missed = results.figures.missed();
    ensure!(
        missed == 0 || !options.strict,
        "missed {missed} of the targets"
    );
    Ok(())
}

/// Everything, one after the other: nothing else may run meanwhile.
fn measure(options: &Options, programs: &Programs) -> Result<Results> {
    let mut results = Results::new(options.runs)?;
    let folder = TempDir::new().context("cannot make a temporary folder")?;
    let trace = folder.path().join("trace");
    let (peers, remarks) = Peer::all(&trace);
    remarks.iter().for_each(|remark| eprintln!("{remark}"));
    results.peers = remarks;
    workloads(
        &mut results,
        &Variant::all(programs, &peers),
        programs,
        &trace,
    )?;
    let plan = [
        (Variant::empty(programs), vec![&PIPES, &PAGE_FAULTS]),
        (
            Variant::own(programs, PAGETRACE),
            WORKLOADS.iter().collect(),
        ),
        (Variant::own(programs, SCOPE_ALL), vec![&PAGE_FAULTS]),
        (Variant::own(programs, NO_CACHE), vec![&PIPES]),
    ];
    results.events = events::watch(&plan, options.runs, programs)?;
    let (maps, slots) = figures::maps(&results.events).context("pagetrace has no slot table")?;
    let windows = Window::measure_all(options.runs, 2, &programs.pagetrace)?;
    let waiting = Window::measure_all(1, options.idle, &programs.pagetrace)?;
    let scale = scale(options.runs, programs)?;
    let answers = Answers::measure(options.runs, programs)?;
    results.figures.add_workloads(&results.rows);
    results.figures.add_service(&results.rows);
    results.figures.add_events(&results.events);
    results.figures.add_windows(&windows, slots, &waiting);
    results.figures.add_scale(&scale);
    let census = census(programs)?;
    results.figures.add_census(&census);
    results.census = Some(census);
    results.figures.add_answers(answers);
    results.maps = Some(maps);
    results.scale = Some(scale);
    Ok(results)
}

/// pagetrace against another build of it: workloads and single events.
fn compare(before: &Path, runs: u32, programs: &Programs) -> Result<Results> {
    let mut results = Results::new(runs)?;
    let variants = || [Variant::before(before), Variant::own(programs, PAGETRACE)];
    workloads(&mut results, &variants(), programs, Path::new(""))?;
    let plan = variants().map(|variant| (variant, WORKLOADS.iter().collect()));
    results.events = events::watch(&plan, runs, programs)?;
    Ok(results)
}

/// The service against a trace: workloads.
fn service(runs: u32, programs: &Programs) -> Result<Results> {
    let mut results = Results::new(runs)?;
    let trace = Variant::own(programs, PAGETRACE);
    let variants = [trace, Variant::service(programs)];
    workloads(&mut results, &variants, programs, Path::new(""))?;
    results.figures.add_service(&results.rows);
    Ok(results)
}

fn workloads(
    results: &mut Results,
    variants: &[Variant<'_>],
    programs: &Programs,
    trace: &Path,
) -> Result<()> {
    let (rows, losses) = rounds::run(variants, results.runs, &programs.workload, trace)?;
    results.rows = rows;
    results.figures.add_losses(&losses);
    Ok(())
}

/// Hosts larger than this one.
fn scale(runs: u32, programs: &Programs) -> Result<Scale> {
    eprintln!("scale: {runs} scans of each table");
    let mut bench = Command::new(&programs.scan_bench);
    let json = command::output(bench.args(["--runs", &runs.to_string()]))?;
    serde_json::from_str(&json).context("scan_bench wrote something else than its JSON")
}

/// Every page frame of a host larger than this one.
fn census(programs: &Programs) -> Result<HostCensus> {
    eprintln!("scale: a census of 1 TiB");
    let json = command::output(&mut Command::new(&programs.census_bench))?;
    serde_json::from_str(&json).context("census_bench wrote something else than its JSON")
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
