//! `cargo xtask vm`: runs the end-to-end suite on other kernels and in another userland, in QEMU.
//!
//! ```text
//! 5.10: 5.10.0-32-cloud-amd64, 52 passed, 0 failed, 3 skipped, in 240 s
//! debian-6.1: 6.1.0-50-cloud-amd64, 55 passed, 0 failed, 0 skipped, in 280 s
//! ```

mod apt;
mod architecture;
mod built_kernel;
mod debian;
mod environment;
mod guest;
mod image;
mod install;
mod kernel;
mod leaking_module;
mod machine;
mod outcome;
mod platform;
mod programs;
mod results;
mod run;
mod table;
mod tree;

use std::fs;
use std::iter;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, ValueEnum as _};

use crate::workspace;
use architecture::Architecture;
use outcome::Outcome;
use platform::Platform;
use run::Runner;

const DOCUMENT: &str = "docs/kernels.md";
/// How many machines run at a time. A test mostly waits for one process, so two machines
/// keep two CPUs busy, and more would make each other's tests wait too long.
const AT_ONCE: usize = 2;

/// What to run.
#[derive(Args)]
pub(crate) struct Options {
    /// On what; on all of them if none is named. docs/kernels.md has the last run of each
    #[arg(value_name = "PLATFORM")]
    platforms: Vec<Platform>,
    /// Run only tests with one of these words in their names
    #[arg(long, value_name = "WORD,...", value_delimiter = ',')]
    only: Vec<String>,
    /// Install QEMU, fetch the kernels and Debian's userland, and run nothing
    #[arg(long, conflicts_with_all = ["platforms", "strict", "only"])]
    install: bool,
    /// Build the kernel of arm64-64k, which Debian has only sources of, in a quarter of an hour or more,
    /// and run nothing
    #[arg(long, conflicts_with_all = ["platforms", "strict", "only", "install"])]
    build: bool,
    /// Fail if a platform cannot be run
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
    if options.build {
        return built_kernel::build(&vm);
    }
    let platforms = match &options.platforms[..] {
        [] => Platform::value_variants(),
        named => named,
    };
    let (able, skipped) = divide(platforms, &vm);
    ensure!(
        skipped == 0 || !options.strict,
        "{skipped} platforms cannot be run, which --strict forbids"
    );
    if able.is_empty() {
        return Ok(());
    }
    let runner = Runner::build(&root, &vm, &able, &options.only)?;
    let runs = run_all(&runner, &able);
    write_document(&root, &vm)?;
    let is_good = |run: &Option<Outcome>| run.as_ref().is_some_and(|run| run.failed() == 0);
    let good = runs.iter().filter(|run| is_good(run)).count();
    ensure!(
        good == able.len(),
        "tests failed on {} platforms",
        able.len() - good
    );
    Ok(())
}

/// The platforms that can be run, and how many cannot; those are named on stderr.
fn divide(platforms: &[Platform], vm: &Path) -> (Vec<Platform>, usize) {
    let mut able = Vec::new();
    for platform in platforms {
        match run::obstacle(*platform, vm) {
            Some(reason) => eprintln!("SKIPPED {}: {reason}", platform.name()),
            None => able.push(*platform),
        }
    }
    let skipped = platforms.len() - able.len();
    (able, skipped)
}

/// Runs the emulated ones first, and this machine when nothing disturbs it.
fn run_all(runner: &Runner, platforms: &[Platform]) -> Vec<Option<Outcome>> {
    let is_emulated = |platform: &Platform| platform.emulated().is_some();
    let (emulated, own): (Vec<_>, Vec<_>) = platforms.iter().partition(|it| is_emulated(it));
    let queue = Mutex::new(emulated.into_iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || iter::from_fn(next).map(|it| run_one(runner, it)).collect();
    let mut runs = thread::scope(|scope| {
        let workers = [(); AT_ONCE].map(|()| scope.spawn(work));
        let finish = |worker: ScopedJoinHandle<'_, Vec<_>>| worker.join().unwrap_or_default();
        workers.into_iter().flat_map(finish).collect::<Vec<_>>()
    });
    runs.extend(own.into_iter().map(|platform| run_one(runner, platform)));
    runs
}

/// Runs one and says how that went; nothing comes of a run that did not end.
fn run_one(runner: &Runner, platform: Platform) -> Option<Outcome> {
    match runner.run(platform) {
        Ok((outcome, time)) => {
            report(platform, &outcome, time);
            Some(outcome)
        }
        Err(error) => {
            eprintln!("FAILED {}: {error:#}", platform.name());
            None
        }
    }
}

fn report(platform: Platform, outcome: &Outcome, time: Duration) {
    println!("{}: {outcome}, in {} s", platform.name(), time.as_secs());
    if outcome.failed() > 0 {
        eprintln!("{}", outcome.failures);
    }
}

/// Writes the part of the document that is about each kind of machine, from the last run of each of its
/// platforms, if each has been run to its end.
fn write_document(root: &Path, vm: &Path) -> Result<()> {
    for architecture in Architecture::ALL {
        let platforms = Platform::value_variants().iter();
        let own = platforms.filter(|it| it.architecture() == architecture);
        let last_run = |platform: &Platform| Some((*platform, run::last(*platform, vm)?));
        let Some(runs) = own.map(last_run).collect::<Option<Vec<_>>>() else {
            continue;
        };
        let runs: Vec<_> = runs
            .iter()
            .map(|(platform, run)| (*platform, run))
            .collect();
        let file = root.join(DOCUMENT);
        let before = fs::read_to_string(&file).unwrap_or_default();
        fs::write(&file, table::document(&before, architecture, &runs))
            .with_context(|| format!("cannot write {DOCUMENT}"))?;
        println!("{DOCUMENT}: {} written", architecture.debian());
    }
    Ok(())
}
