//! What is run on each kernel: linked statically, since a virtual machine has no libraries.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::architecture::Architecture;
use crate::executables::Executables;
use crate::manifest::{self, OBJECTS};
use crate::workspace;

/// The programs, and what they read.
pub(super) struct Programs {
    /// `pagetrace` as it is released.
    pub(super) pagetrace: PathBuf,
    /// The end-to-end tests.
    pub(super) suite: PathBuf,
    /// The program that tells what verifying the BPF programs took.
    pub(super) verifier: PathBuf,
    /// The BPF objects.
    pub(super) objects: [PathBuf; OBJECTS.len()],
    /// Files that the tests know by their place.
    pub(super) others: [PathBuf; 3],
}

impl Programs {
    /// Builds them for one kind of machine, in a folder of `vm`.
    pub(super) fn build(root: &Path, vm: &Path, architecture: Architecture) -> Result<Self> {
        let programs = build(root, vm, architecture)?;
        Ok(Self {
            pagetrace: programs.named("pagetrace")?,
            suite: programs.named("suite")?,
            verifier: programs.named("verifier")?,
            objects: OBJECTS.map(|name| root.join(manifest::path(name))),
            others: [
                programs.named("leak")?,
                programs.named("workload")?,
                root.join("tests/Cargo.toml"),
            ],
        })
    }

    /// Every file of them.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let files = [&self.pagetrace, &self.suite, &self.verifier];
        let files = files.into_iter().chain(&self.objects);
        files.chain(&self.others).map(PathBuf::as_path)
    }
}

fn build(root: &Path, vm: &Path, architecture: Architecture) -> Result<Executables> {
    let mut cargo = workspace::cargo(root);
    // All at once, so that their dependencies have the same features and are built once.
    cargo
        .args(["build", "--package=pagetrace", "--package=pagetrace-tests"])
        .args(["--bins", "--test=suite"])
        .args(["--release", "--locked"])
        .args(["--target", architecture.target()])
        .arg("--target-dir")
        .arg(vm.join("programs"))
        .env("RUSTFLAGS", "-Ctarget-feature=+crt-static")
        // They lie in a virtual machine's memory.
        .env("CARGO_PROFILE_RELEASE_STRIP", "true")
        // The tests would take minutes to link, to be no faster.
        .env("CARGO_PROFILE_RELEASE_LTO", "off");
    architecture.tell(&mut cargo)?;
    Executables::build(&mut cargo)
}
