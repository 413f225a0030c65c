//! Which parts of the BPF toolchain this machine has.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::command;
use crate::toolchain::{BPF_LINKER, LLVM, RUST};

/// The Rust compiler in use.
pub(crate) struct Rustc {
    /// The folder it lives in.
    pub(crate) sysroot: PathBuf,
    /// What `rustc -vV` says, by its own names.
    facts: BTreeMap<String, String>,
}

impl Rustc {
    /// Asks the compiler in use who it is; fails if it is not the pinned one.
    pub(crate) fn find() -> Result<Self> {
        let rustc = env::var_os("RUSTC").unwrap_or("rustc".into());
        let sysroot = command::output(Command::new(&rustc).args(["--print", "sysroot"]))?;
        let version = command::output(Command::new(&rustc).arg("-vV"))?;
        let pairs = version.lines().filter_map(|line| line.split_once(": "));
        let facts = pairs
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        let found = Self {
            sysroot: sysroot.trim_end().into(),
            facts,
        };
        let release = found.fact("release");
        ensure!(
            release == RUST,
            "the compiler in use is Rust {release}, and the BPF object is built by {RUST}: \
             use `cargo +{RUST} xtask`"
        );
        Ok(found)
    }

    /// The value of a line of `rustc -vV`.
    pub(crate) fn fact(&self, name: &str) -> &str {
        self.facts.get(name).map_or("unknown", String::as_str)
    }

    /// Where `rust-src` puts the standard library.
    pub(crate) fn sources(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib/src/rust")
    }

    /// Where the standard library for `target` is, if there is one.
    pub(crate) fn standard_library(&self, target: &str) -> Option<PathBuf> {
        let folder = self.sysroot.join("lib/rustlib").join(target);
        folder.is_dir().then_some(folder)
    }

    /// Whether `rust-src` is there.
    pub(crate) fn has_sources(&self) -> bool {
        self.sources().join("library/core").is_dir()
    }
}

/// Where Debian puts the pinned LLVM.
pub(crate) fn llvm_prefix() -> PathBuf {
    format!("/usr/lib/llvm-{LLVM}").into()
}

/// The Debian package that brings the pinned LLVM.
pub(crate) fn llvm_package() -> String {
    format!("llvm-{LLVM}-dev")
}

/// The version of the pinned LLVM, if `bpf-linker` can be built with it.
pub(crate) fn llvm() -> Option<String> {
    let prefix = llvm_prefix();
    let config = prefix.join("bin/llvm-config");
    if !config.is_file() || !prefix.join("lib/libLLVM.so").is_file() {
        return None;
    }
    let version = command::output(Command::new(config).arg("--version")).ok()?;
    Some(version.trim_end().to_owned())
}

/// The version of the package that brought the pinned LLVM, where there are packages.
pub(crate) fn llvm_package_version() -> Option<String> {
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat=${Version}", &llvm_package()]);
    command::output(&mut query).ok()
}

/// The pinned `bpf-linker`, wherever `PATH` or cargo has it.
pub(crate) fn bpf_linker() -> Result<Option<PathBuf>> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain([cargo_home()?.join("bin")]);
    let mut candidates = folders.map(|folder| folder.join("bpf-linker"));
    Ok(candidates.find(|program| program.is_file() && is_pinned_linker(program)))
}

fn is_pinned_linker(program: &Path) -> bool {
    let version = command::output(Command::new(program).arg("--version"));
    version.is_ok_and(|version| version.trim_end() == format!("bpf-linker {BPF_LINKER}"))
}

/// The folder of cargo's registry and of the programs it installs.
pub(crate) fn cargo_home() -> Result<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    home.or_else(|| Some(env::home_dir()?.join(".cargo")))
        .context("neither CARGO_HOME nor HOME is set: set one")
}
