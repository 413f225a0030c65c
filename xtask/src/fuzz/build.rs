//! The fuzzing program, in a target folder of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::{command, workspace};

const NAME: &str = "pagetrace-fuzz";
const PROFILE: &str = "fuzz";

/// How the compiler makes code report to libFuzzer which branches it took and
/// what it compared. These are the flags of cargo-fuzz; none needs nightly Rust.
const COVERAGE: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];

/// Builds it and returns where it is.
pub(super) fn program(root: &Path, folder: &Path) -> Result<PathBuf> {
    // `cargo rustc` gives the flags to the program alone, not to what it uses.
    command::run(cargo("rustc", root, folder).arg("--").args(COVERAGE))?;
    Ok(folder.join(PROFILE).join(NAME))
}

/// The command that lints it.
pub(super) fn clippy(root: &Path, folder: &Path) -> Command {
    cargo("clippy", root, folder)
}

fn cargo(verb: &str, root: &Path, folder: &Path) -> Command {
    let mut cargo = workspace::cargo(root);
    cargo
        .args([verb, "--locked", "--features=libfuzzer"])
        .arg(format!("--package={NAME}"))
        .arg(format!("--bin={NAME}"))
        .arg(format!("--profile={PROFILE}"))
        .arg("--target-dir")
        .arg(folder);
    cargo
}
