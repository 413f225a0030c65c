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
mod results;
mod run;
mod table;

use std::fs;
use std::path::Path;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, ValueEnum as _};

use crate::workspace;
use kernel::Kernel;
use outcome::Outcome;
use run::Runner;

const DOCUMENT: &str = "docs/kernels.md";
/// How many machines run at a time. A test mostly waits for one process, so two machines
/// keep two CPUs busy, and more would make each other's tests wait too long.
const AT_ONCE: usize = 2;

/// What to run.
#[derive(Args)]
pub(crate) struct Options {
    /// Which kernels; all of them if none is named. docs/kernels.md has the last run of each
    #[arg(value_name = "KERNEL")]
    kernels: Vec<Kernel>,
    /// Run only tests with one of these words in their names
    #[arg(long, value_name = "WORD,...", value_delimiter = ',')]
    only: Vec<String>,
    /// Install QEMU and fetch the kernels, and run nothing
    #[arg(long, conflicts_with_all = ["kernels", "strict", "only"])]
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
    if able.is_empty() {
        return Ok(());
    }
    let runs = run_all(&Runner::build(&root, &vm, &options.only)?, &able);
    write_document(&root, &vm)?;
    let is_good = |run: &Option<Outcome>| run.as_ref().is_some_and(|run| run.failed() == 0);
    let good = runs.iter().filter(|(_, run)| is_good(run)).count();
    ensure!(
        good == runs.len(),
        "tests failed on {} kernels",
        runs.len() - good
    );
    Ok(())
}

/// The kernels that can be run, and how many cannot; those are named on stderr.
fn divide(kernels: &[Kernel], vm: &Path) -> (Vec<Kernel>, usize) {
    let mut able = Vec::new();
    for kernel in kernels {
        match run::obstacle(*kernel, vm) {
            Some(reason) => eprintln!("SKIPPED kernel {}: {reason}", kernel.name()),
            None => able.push(*kernel),
        }
    }
    let skipped = kernels.len() - able.len();
    (able, skipped)
}

/// Runs the emulated ones first, and the machine's own kernel when nothing disturbs it.
fn run_all(runner: &Runner, kernels: &[Kernel]) -> Vec<(Kernel, Option<Outcome>)> {
    let is_emulated = |kernel: &Kernel| kernel.source().is_some();
    let (emulated, own): (Vec<_>, Vec<_>) = kernels.iter().copied().partition(is_emulated);
    let groups = emulated.chunks(AT_ONCE).chain(own.chunks(1));
    groups
        .flat_map(|group| run_at_once(runner, group))
        .collect()
}

fn run_at_once(runner: &Runner, kernels: &[Kernel]) -> Vec<(Kernel, Option<Outcome>)> {
    thread::scope(|scope| {
        let start = |kernel: &Kernel| {
            let kernel = *kernel;
            (kernel, scope.spawn(move || run_one(runner, kernel)))
        };
        let running: Vec<_> = kernels.iter().map(start).collect();
        let finish = |(kernel, run): (Kernel, ScopedJoinHandle<'_, _>)| {
            (kernel, run.join().unwrap_or_default())
        };
        running.into_iter().map(finish).collect()
    })
}

/// Runs one and says how that went; nothing comes of a run that did not end.
fn run_one(runner: &Runner, kernel: Kernel) -> Option<Outcome> {
    match runner.run(kernel) {
        Ok((outcome, time)) => {
            report(kernel, &outcome, time);
            Some(outcome)
        }
        Err(error) => {
            eprintln!("FAILED kernel {}: {error:#}", kernel.name());
            None
        }
    }
}

fn report(kernel: Kernel, outcome: &Outcome, time: Duration) {
    println!("{}: {outcome}, in {} s", kernel.name(), time.as_secs());
    if outcome.failed() > 0 {
        eprintln!("{}", outcome.failures);
    }
}

/// Writes the document from the last run of each kernel, if each has been run to its end.
fn write_document(root: &Path, vm: &Path) -> Result<()> {
    let last_run = |kernel: &Kernel| Some((*kernel, run::last(*kernel, vm)?));
    let kernels = Kernel::value_variants().iter();
    let Some(runs) = kernels.map(last_run).collect::<Option<Vec<_>>>() else {
        return Ok(());
    };
    let runs: Vec<_> = runs.iter().map(|(kernel, run)| (*kernel, run)).collect();
    fs::write(root.join(DOCUMENT), table::document(&runs))
        .with_context(|| format!("cannot write {DOCUMENT}"))?;
    println!("{DOCUMENT} written");
    Ok(())
}
