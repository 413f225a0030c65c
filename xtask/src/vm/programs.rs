//! What is run on each kernel: linked statically, since a virtual machine has no libraries.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::manifest::OBJECT;
use crate::{command, workspace};

/// Static programs need a target of their own: macros are libraries and cannot be static.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The programs, and what they read.
pub(super) struct Programs {
    /// `pagetrace` as it is released.
    pub(super) pagetrace: PathBuf,
    /// The end-to-end tests.
    pub(super) suite: PathBuf,
    /// The program that tells what verifying the BPF programs took.
    pub(super) verifier: PathBuf,
    /// The BPF object.
    pub(super) object: PathBuf,
    /// Files that the tests know by their place.
    pub(super) others: [PathBuf; 3],
}

impl Programs {
    /// Builds them in a folder of `vm`.
    pub(super) fn build(root: &Path, vm: &Path) -> Result<Self> {
        let programs = build(root, vm)?;
        Ok(Self {
            pagetrace: named(&programs, "pagetrace")?,
            suite: named(&programs, "suite")?,
            verifier: named(&programs, "verifier")?,
            object: root.join(OBJECT),
            others: [
                named(&programs, "leak")?,
                named(&programs, "workload")?,
                root.join("tests/Cargo.toml"),
            ],
        })
    }

    /// Every file of them.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let files = [&self.pagetrace, &self.suite, &self.verifier, &self.object];
        files.into_iter().chain(&self.others).map(PathBuf::as_path)
    }
}

/// The programs that cargo built: their names and where they are.
fn build(root: &Path, vm: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut cargo = workspace::cargo(root);
    // All at once, so that their dependencies have the same features and are built once.
    cargo
        .args(["build", "--package=pagetrace", "--package=pagetrace-tests"])
        .args(["--bins", "--test=suite"])
        .args(["--release", "--locked", "--target", TARGET])
        .arg("--message-format=json-render-diagnostics")
        .arg("--target-dir")
        .arg(vm.join("programs"))
        .env("RUSTFLAGS", "-Ctarget-feature=+crt-static")
        // They lie in a virtual machine's memory.
        .env("CARGO_PROFILE_RELEASE_STRIP", "true")
        // The tests would take minutes to link, to be no faster.
        .env("CARGO_PROFILE_RELEASE_LTO", "off");
    let messages = command::output(&mut cargo)?;
    Ok(messages.lines().filter_map(program).collect())
}

fn program(message: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(message).ok()?;
    let path = message.get("executable")?.as_str()?;
    let name = message.get("target")?.get("name")?.as_str()?;
    Some((name.to_owned(), path.into()))
}

fn named(programs: &[(String, PathBuf)], wanted: &str) -> Result<PathBuf> {
    let mut matching = programs.iter().filter(|(name, _)| name == wanted);
    let (_, path) = matching.next().with_context(|| {
        format!("cargo built no program {wanted}: see xtask/src/vm/programs.rs")
    })?;
    Ok(path.clone())
}
