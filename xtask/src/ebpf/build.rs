//! The build itself, of any checkout into any folder, with the same outcome.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::manifest::OBJECTS;
use crate::toolchain::{BPF_LINKER, OBJCOPY, RUSTFLAGS, TARGET};
use crate::{command, installed, workspace};

/// Objects by their names.
pub(super) type Objects = BTreeMap<&'static str, Vec<u8>>;

/// The parts of the BPF toolchain, all of them found.
pub(super) struct Tools {
    rustc: installed::Rustc,
    llvm: String,
    linker: PathBuf,
}

impl Tools {
    /// Finds them; fails if one is missing.
    pub(super) fn find() -> Result<Self> {
        let rustc = installed::Rustc::find()?;
        ensure!(rustc.has_sources(), missing("rust-src"));
        let llvm = installed::llvm().with_context(|| missing(&installed::llvm_package()))?;
        let linker = installed::bpf_linker()?
            .with_context(|| missing(&format!("bpf-linker {BPF_LINKER}")))?;
        Ok(Self {
            rustc,
            llvm,
            linker,
        })
    }

    /// What the objects' bytes may depend on, by name.
    pub(super) fn versions(&self) -> BTreeMap<String, String> {
        let package = installed::llvm_package_version().unwrap_or("none".into());
        let versions = [
            ("rustc", self.rustc.fact("release").to_owned()),
            ("rustc commit", self.rustc.fact("commit-hash").to_owned()),
            ("rustc host", self.rustc.fact("host").to_owned()),
            ("rustc LLVM", self.rustc.fact("LLVM version").to_owned()),
            ("LLVM", self.llvm.clone()),
            ("LLVM package", package),
            ("bpf-linker", BPF_LINKER.to_owned()),
        ];
        versions
            .map(|(tool, version)| (tool.to_owned(), version))
            .into()
    }
}

/// Builds the objects of the checkout at `root` and returns their bytes, by their names.
pub(super) fn objects(root: &Path, target: &Path, tools: &Tools) -> Result<Objects> {
    command::run(&mut cargo("build", root, target, tools)?)?;
    let folder = target.join(TARGET).join("bpf");
    let objects = OBJECTS.into_iter();
    objects
        .map(|name| Ok((name, strip(&folder.join(name))?)))
        .collect()
}

/// What is left of a linked object without what nobody loads.
fn strip(linked: &Path) -> Result<Vec<u8>> {
    let stripped = linked.with_extension("o");
    let objcopy = installed::llvm_prefix().join("bin/llvm-objcopy");
    command::run(Command::new(objcopy).arg(OBJCOPY).args([linked, &stripped]))?;
    fs::read(&stripped).with_context(|| format!("cannot read {}", stripped.display()))
}

/// The cargo command that does `verb` to the programs of the checkout at `root`.
pub(super) fn cargo(verb: &str, root: &Path, target: &Path, tools: &Tools) -> Result<Command> {
    let mut cargo = workspace::cargo(root);
    cargo
        .arg(verb)
        .args(["--locked", "--package=tracer-ebpf", "--bins"])
        .args([
            "--features=programs",
            "--profile=bpf",
            "-Zbuild-std=core",
            "--target",
            TARGET,
        ])
        .arg("--target-dir")
        .arg(target)
        // `core` comes as source only, and building it is not yet a stable option.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_BPFEL_UNKNOWN_NONE_LINKER", &tools.linker)
        .env("CARGO_ENCODED_RUSTFLAGS", rustflags(root, &tools.rustc)?);
    Ok(cargo)
}

/// The compiler's flags, with every path of this machine replaced.
fn rustflags(root: &Path, rustc: &installed::Rustc) -> Result<OsString> {
    let mut flags: Vec<OsString> = RUSTFLAGS.map(OsString::from).into();
    let checkout = root.canonicalize();
    let checkout = checkout.with_context(|| format!("cannot find {}", root.display()))?;
    flags.push(remap(&checkout, "/src"));
    flags.push(remap(&rustc.sources(), "/rust"));
    flags.extend(registries()?.iter().map(|folder| remap(folder, "/cargo")));
    Ok(flags.join("\u{1f}".as_ref()))
}

fn remap(from: &Path, to: &str) -> OsString {
    let mut flag = OsString::from("--remap-path-prefix=");
    flag.push(from);
    flag.push("=");
    flag.push(to);
    flag
}

/// The folders cargo unpacks packages to: one for each registry, which names
/// the host that the packages came from.
fn registries() -> Result<Vec<PathBuf>> {
    let sources = installed::cargo_home()?.join("registry/src");
    let folders =
        fs::read_dir(&sources).with_context(|| format!("cannot read {}", sources.display()))?;
    folders.map(|folder| Ok(folder?.path())).collect()
}

fn missing(part: &str) -> String {
    format!("{part} is not installed: run `cargo xtask setup`")
}
