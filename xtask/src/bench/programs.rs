//! The programs that are measured, and those that measure.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{command, workspace};

/// Where they are.
pub(super) struct Programs {
    pub(super) pagetrace: PathBuf,
    pub(super) workload: PathBuf,
    pub(super) bpf_stats: PathBuf,
    pub(super) scan_bench: PathBuf,
}

impl Programs {
    /// Builds pagetrace as it is released, and the helpers.
    pub(super) fn build() -> Result<Self> {
        Ok(Self {
            pagetrace: build("pagetrace", "pagetrace")?,
            workload: build("pagetrace-tests", "workload")?,
            bpf_stats: build("pagetrace-tests", "bpf_stats")?,
            scan_bench: build("pagetrace-tests", "scan_bench")?,
        })
    }
}

/// Each package by itself: together they would be built with each other's features.
fn build(package: &str, program: &str) -> Result<PathBuf> {
    let mut cargo = workspace::cargo(&workspace::root()?);
    cargo.args(["build", "--release", "--locked", "--package", package]);
    cargo.args(["--bin", program]);
    let messages = command::output(cargo.arg("--message-format=json-render-diagnostics"))?;
    executable(&messages)
        .with_context(|| format!("cargo built no program {program}: see Cargo.toml of {package}"))
}

/// The last that cargo says it has built.
fn executable(messages: &str) -> Option<PathBuf> {
    let mut programs = messages.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        message.get("executable")?.as_str().map(PathBuf::from)
    });
    programs.next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_no_program() {
        let messages = "{\"reason\":\"compiler-artifact\",\"executable\":\"/t/bpf_stats\"}\n\
            {\"reason\":\"compiler-artifact\",\"executable\":null}\n\
            {\"reason\":\"build-finished\",\"success\":true}\n";
        assert_eq!(executable(messages), Some(PathBuf::from("/t/bpf_stats")));
    }
}
