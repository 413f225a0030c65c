//! `cargo xtask bench`: measures pagetrace on the machine it runs on.
//!
//! ```text
//! machine: 2 x Example CPU @ 2.50GHz, 24645040 kB of memory, kernel 6.12.48
//! median of 5 runs of `pagetrace -i 2 -v`, min..max
//! start to attached                     0.130 s   0.129..0.205    target <= 1 s: met
//! end of the window to report           0.176 s   0.119..0.218    target <= 2 s: met
//! peak memory beside the slot table      48.3 MB  48.1..48.5      target <= 100 MB: met
//!   peak memory of the process           74.6 MB  74.4..74.7      no target
//!   slot table                           26.2 MB  26.2..26.2      no target
//! ```

mod figure;
mod machine;
mod window;

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde_json::Value;

use crate::{command, workspace};
use figure::{Figure, MEGABYTES, SECONDS};
use window::Window;

/// How to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// How many runs each figure is the median of
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(5..))]
    runs: u32,
}

/// Runs the verb; fails if a target is missed.
pub(crate) fn run(options: &Options) -> Result<()> {
    let program = build()?;
    let windows = (0..options.runs).map(|_| Window::measure(&program));
    let figures = figures(&windows.collect::<Result<Vec<_>>>()?);
    println!("machine: {}", machine::describe()?);
    println!(
        "median of {} runs of `pagetrace {}`, min..max",
        options.runs,
        window::ARGUMENTS.join(" ")
    );
    figures.iter().for_each(|figure| println!("{figure}"));
    let missed = figures.iter().filter(|figure| !figure.is_met()).count();
    ensure!(missed == 0, "missed {missed} of the targets");
    Ok(())
}

/// Builds pagetrace as it is released and returns where it is.
fn build() -> Result<PathBuf> {
    let mut cargo = workspace::cargo(&workspace::root()?);
    cargo.args(["build", "--release", "--locked", "--package=pagetrace"]);
    let messages = command::output(cargo.arg("--message-format=json-render-diagnostics"))?;
    let mut programs = messages.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        message.get("executable")?.as_str().map(PathBuf::from)
    });
    programs
        .next_back()
        .context("cargo built no program of package pagetrace: see its Cargo.toml")
}

fn figures(windows: &[Window]) -> [Figure; 5] {
    let of = |value: fn(&Window) -> f64| windows.iter().map(value).collect();
    let seconds = |name, value| Figure::new(name, SECONDS, of(value));
    let megabytes = |name, value| Figure::new(name, MEGABYTES, of(value));
    [
        seconds("start to attached", |run| run.attached).at_most(1.0),
        seconds("end of the window to report", |run| run.reported).at_most(2.0),
        megabytes("peak memory beside the slot table", Window::beside_table).at_most(100.0),
        megabytes("  peak memory of the process", |run| run.peak),
        megabytes("  slot table", |run| run.table),
    ]
}
