//! `cargo xtask fuzz`: feeds the readers of kernel text what no kernel would say.
//!
//! ```text
//! kallsyms     203416 runs in 11 second(s), seed 1
//! meminfo      238120 runs in 11 second(s), seed 1
//! ```
//!
//! What was found to reach new code stays below the target folder, so that each
//! run begins where the last one ended. Samples that are checked in stay as they are.

mod build;
mod target;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;

use crate::{command, workspace};
use target::Target;

/// What to feed, and for how long.
#[derive(Args)]
pub(crate) struct Options {
    /// Which readers; all of them if none is named
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// How long each is fed
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Where the random numbers begin; 0 is elsewhere each time
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u32,
    /// Feed one reader this file, once, such as one that was kept of a failure
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seconds", "seed"])]
    replay: Option<PathBuf>,
    /// Lint the program that feeds them
    #[arg(long, conflicts_with_all = ["targets", "seconds", "seed", "replay"])]
    clippy: bool,
}

/// Runs the verb; fails if a reader did.
pub(crate) fn run(options: &Options) -> Result<()> {
    let root = workspace::root()?;
    let folder = workspace::fuzz_target(&root);
    if options.clippy {
        return command::run(build::clippy(&root, &folder).args(["--", "-Dwarnings"]));
    }
    let targets = Target::named(&root, &folder, &options.targets)?;
    if let Some(file) = &options.replay {
        ensure!(targets.len() == 1, "--replay needs the name of one target");
        return targets[0].replay(&build::program(&root, &folder)?, file);
    }
    let program = build::program(&root, &folder)?;
    let mut failed = Vec::new();
    for target in &targets {
        if !target.run(&program, options.seconds, options.seed)? {
            failed.push(target.name());
        }
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}
