//! `cargo xtask ebpf --clippy`: the lints, for code that no host build compiles.

use std::path::Path;

use anyhow::Result;

use super::build::{self, Tools};
use crate::{command, workspace};

/// Lints the programs; any finding is an error.
pub(super) fn run(root: &Path, tools: &Tools) -> Result<()> {
    let target = workspace::bpf_target(root);
    command::run(build::cargo("clippy", root, &target, tools)?.args(["--", "-Dwarnings"]))
}
