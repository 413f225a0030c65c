//! `cargo xtask vm`: runs the end-to-end suite on other kernels, in QEMU.
//!
//! ```text
//! 5.10: 5.10.0-32-cloud-amd64, 52 passed, 0 failed, 3 skipped, in 240 s
//! 6.1: 6.1.0-50-cloud-amd64, 55 passed, 0 failed, 0 skipped, in 180 s
//! ```

mod apt;
mod environment;
mod guest;
mod image;
mod install;
mod kernel;
mod leaking_module;
mod machine;
mod outcome;
mod programs;
mod run;
mod table;

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, ValueEnum as _};

use crate::workspace;
use kernel::Kernel;
use outcome::Outcome;
use run::Runner;

const DOCUMENT: &str = "docs/kernels.md";

/// What to run.
#[derive(Args)]
pub(crate) struct Options {
    /// Which kernels; all of them if none is named, which writes docs/kernels.md
    #[arg(value_name = "KERNEL")]
    kernels: Vec<Kernel>,
    /// Install QEMU and fetch the kernels, and run nothing
    #[arg(long, conflicts_with_all = ["kernels", "strict"])]
    install: bool,
    /// Fail if a kernel cannot be run
    #[arg(long)]
    strict: bool,
}

/// Runs the verb; fails if a test does.
pub(crate) fn run(options: &Options) -> Result<()> {
    let root = workspace::root()?;
    let vm = workspace::vm_target(&root);
    if options.install {
        return install::run(&vm);
    }
    let kernels = match &options.kernels[..] {
        [] => Kernel::value_variants(),
        named => named,
    };
    let (able, skipped) = divide(kernels, &vm);
    ensure!(
        skipped == 0 || !options.strict,
        "{skipped} kernels cannot be run, which --strict forbids"
    );
    let runs = run_all(&Runner::build(&root, &vm)?, &able)?;
    if able == Kernel::value_variants() {
        write_document(&root, &runs)?;
    }
    let failed = runs
        .iter()
        .filter(|(_, outcome)| outcome.failed() > 0)
        .count();
    ensure!(failed == 0, "tests failed on {failed} kernels");
    Ok(())
}

/// The kernels that can be run, and how many cannot; those are named on stderr.
fn divide(kernels: &[Kernel], vm: &Path) -> (Vec<Kernel>, usize) {
    let mut able = Vec::new();
    for kernel in kernels {
        match run::lacking(*kernel, vm) {
            Some(reason) => eprintln!("SKIPPED kernel {}: {reason}", kernel.name()),
            None => able.push(*kernel),
        }
    }
    let skipped = kernels.len() - able.len();
    (able, skipped)
}

fn run_all(runner: &Runner, kernels: &[Kernel]) -> Result<Vec<(Kernel, Outcome)>> {
    let runs = kernels.iter().map(|kernel| {
        let run = runner.run(*kernel);
        let (outcome, time) = run.with_context(|| format!("on kernel {}", kernel.name()))?;
        report(*kernel, &outcome, time);
        Ok((*kernel, outcome))
    });
    runs.collect()
}

fn report(kernel: Kernel, outcome: &Outcome, time: Duration) {
    println!(
        "{}: {}, {} passed, {} failed, {} skipped, in {} s",
        kernel.name(),
        outcome.release,
        outcome.passed(),
        outcome.failed(),
        outcome.skipped(),
        time.as_secs()
    );
    if outcome.failed() > 0 {
        eprintln!("{}", outcome.failures);
    }
}

fn write_document(root: &Path, runs: &[(Kernel, Outcome)]) -> Result<()> {
    fs::write(root.join(DOCUMENT), table::document(runs))
        .with_context(|| format!("cannot write {DOCUMENT}"))?;
    println!("{DOCUMENT} written");
    Ok(())
}
