//! The programs that are measured, and those that measure.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::executables::Executables;
use crate::workspace;

/// Where they are.
pub(super) struct Programs {
    pub(super) pagetrace: PathBuf,
    pub(super) workload: PathBuf,
    pub(super) bpf_stats: PathBuf,
    pub(super) scan_bench: PathBuf,
    pub(super) census_bench: PathBuf,
    pub(super) leak: PathBuf,
}

impl Programs {
    /// Builds pagetrace as it is released, and the helpers.
    pub(super) fn build() -> Result<Self> {
        let root = workspace::root()?;
        let helper = |name| build(&root, "pagetrace-tests", name);
        Ok(Self {
            pagetrace: build(&root, "pagetrace", "pagetrace")?,
            workload: helper("workload")?,
            bpf_stats: helper("bpf_stats")?,
            scan_bench: helper("scan_bench")?,
            census_bench: helper("census_bench")?,
            leak: helper("leak")?,
        })
    }
}

/// Each package by itself: together they would be built with each other's features.
fn build(root: &Path, package: &str, program: &str) -> Result<PathBuf> {
    let mut cargo = workspace::cargo(root);
    cargo.args(["build", "--release", "--locked", "--package", package]);
    cargo.args(["--bin", program]);
    Executables::build(&mut cargo)?.named(program)
}
