//! `cargo xtask setup`: brings the BPF toolchain.
//!
//! Beside `cargo xtask vm --install`, nothing in this project installs anything.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::toolchain::{BPF_LINKER, LLVM};
use crate::{command, installed};

/// A part of the toolchain.
struct Part {
    name: String,
    /// What there is of it.
    found: Option<String>,
    /// How to get it.
    install: Vec<Command>,
    /// What to try when that fails.
    hint: &'static str,
}

/// Says what is there and what is missing, then installs what is missing.
pub(crate) fn run() -> Result<()> {
    let found = parts()?;
    found.iter().for_each(Part::describe);
    for mut part in found.into_iter().filter(Part::is_missing) {
        part.install()?;
    }
    match parts()?.into_iter().find(Part::is_missing) {
        Some(Part { name, hint, .. }) => bail!("{name} is still missing once installed ({hint})"),
        None => Ok(()),
    }
}

fn parts() -> Result<[Part; 3]> {
    Ok([rust_src()?, llvm(), bpf_linker()?])
}

impl Part {
    fn is_missing(&self) -> bool {
        self.found.is_none()
    }

    fn describe(&self) {
        match &self.found {
            Some(found) => println!("{}: {found}", self.name),
            None => {
                let commands: Vec<_> = self.install.iter().map(command::spelled).collect();
                println!(
                    "{}: missing, to be installed with `{}`",
                    self.name,
                    commands.join(" && ")
                );
            }
        }
    }

    fn install(&mut self) -> Result<()> {
        for command in &mut self.install {
            command::run(command)
                .with_context(|| format!("cannot install {} ({})", self.name, self.hint))?;
        }
        Ok(())
    }
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
    let mut update = command::as_root("apt-get");
    update.arg("update");
    let mut install = command::as_root("apt-get");
    install.args([
        "install",
        "--yes",
        "--no-install-recommends",
        &installed::llvm_package(),
    ]);
    Part {
        name: installed::llvm_package(),
        found: installed::llvm(),
        install: vec![update, install],
        hint: "apt must know a suite that has this LLVM, and cargo xtask setup needs root or sudo",
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
