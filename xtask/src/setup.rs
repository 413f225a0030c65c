//! `cargo xtask setup`: brings the BPF toolchain.
//!
//! Beside `cargo xtask vm --install` and `cargo xtask dist --install`, nothing in this project installs
//! anything.

use std::process::Command;

use anyhow::Result;

use crate::installed;
use crate::part::{self, Part};
use crate::toolchain::{BPF_LINKER, LLVM};

/// Says what is there and what is missing, then installs what is missing.
pub(crate) fn run() -> Result<()> {
    part::bring(parts)
}

fn parts() -> Result<Vec<Part>> {
    Ok(vec![rust_src()?, llvm(), bpf_linker()?])
}

/// The source of `core`.
fn rust_src() -> Result<Part> {
    let rustc = installed::Rustc::find()?;
    let mut rustup = Command::new("rustup");
    // The toolchain in use, which is the pinned one under whatever name.
    rustup.args(["component", "add", "rust-src"]);
    Ok(Part {
        name: "rust-src".into(),
        found: rustc
            .has_sources()
            .then(|| rustc.sources().display().to_string()),
        install: vec![rustup],
        hint: "where rustup cannot download, Debian's rust-src package of the same version has the same library/core",
    })
}

/// The LLVM that `bpf-linker` links with.
fn llvm() -> Part {
    Part {
        hint: "apt must know a suite that has this LLVM, and cargo xtask setup needs root or sudo",
        ..Part::of_debian(&installed::llvm_package(), installed::llvm())
    }
}

/// The linker that turns bitcode into a BPF object.
fn bpf_linker() -> Result<Part> {
    let mut install = Command::new("cargo");
    install
        .env("LLVM_PREFIX", installed::llvm_prefix())
        .args(["install", "bpf-linker", "--version", BPF_LINKER, "--locked"])
        .args([
            "--no-default-features",
            "--features",
            &format!("llvm-{LLVM}"),
        ]);
    Ok(Part {
        name: format!("bpf-linker {BPF_LINKER}"),
        found: installed::bpf_linker()?.map(|program| program.display().to_string()),
        install: vec![install],
        hint: "it is built from source, with a C compiler and the LLVM above",
    })
}
