//! What makes packages.

use std::env::consts::ARCH;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::installed;
use crate::part::Part;

/// What binaries are built for: a C library that can be linked statically, name service and all.
pub(super) const TARGETS: [Target; 2] = [
    Target {
        name: "x86_64-unknown-linux-musl",
        machine: "x86_64",
        debian: "amd64",
        variables: &[],
    },
    Target {
        name: "aarch64-unknown-linux-musl",
        machine: "aarch64",
        debian: "arm64",
        variables: &[
            (
                "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER",
                "aarch64-linux-gnu-gcc",
            ),
            ("CC_aarch64_unknown_linux_musl", "aarch64-linux-gnu-gcc"),
            // The compiler's own headers are those of another C library: what they add to calls of
            // it is not in this one.
            ("CFLAGS_aarch64_unknown_linux_musl", "-U_FORTIFY_SOURCE"),
        ],
    },
];

/// What a binary is built for.
pub(super) struct Target {
    /// What Rust calls it.
    pub(super) name: &'static str,
    /// What the kernel calls its machines (`uname -m`).
    pub(super) machine: &'static str,
    /// What Debian calls them.
    pub(super) debian: &'static str,
    /// What tells cargo of compilers that are not this machine's own.
    pub(super) variables: &'static [(&'static str, &'static str)],
}

impl Target {
    /// That of this machine.
    pub(super) fn own() -> Result<&'static Self> {
        let own = TARGETS.iter().find(|it| it.machine == ARCH);
        own.with_context(|| format!("no packages are made for {ARCH}"))
    }
}

/// Programs of crates, and their versions.
const CRATES: [(&str, &str); 3] = [
    ("cargo-deb", "3.8.0"),
    ("cargo-generate-rpm", "0.21.1"),
    ("cargo-sbom", "0.10.0"),
];

/// Programs of Debian's packages: what compiles C for the target, and what the check reads packages,
/// pages and completions with.
const PACKAGES: [(&str, &str); 7] = [
    ("musl-tools", "/usr/bin/musl-gcc"),
    ("gcc-aarch64-linux-gnu", "/usr/bin/aarch64-linux-gnu-gcc"),
    (
        "libc6-dev-arm64-cross",
        "/usr/aarch64-linux-gnu/include/stdlib.h",
    ),
    ("rpm", "/usr/bin/rpm"),
    ("man-db", "/usr/bin/man"),
    ("zsh", "/usr/bin/zsh"),
    ("fish", "/usr/bin/fish"),
];

/// All of them; crates are installed into the folder `tools`.
pub(super) fn parts(tools: &Path) -> Result<Vec<Part>> {
    let packages = PACKAGES.iter().map(|(package, program)| {
        let found = Path::new(program).is_file().then(|| (*program).to_owned());
        Part::of_debian(package, found)
    });
    let crates = CRATES
        .iter()
        .map(|(name, version)| of_crate(name, version, tools));
    let libraries: Result<Vec<_>> = TARGETS.iter().map(standard_library).collect();
    Ok(libraries?
        .into_iter()
        .chain(packages)
        .chain(crates)
        .collect())
}

/// Fails if one is missing.
pub(super) fn ensure_all(tools: &Path) -> Result<()> {
    match parts(tools)?.into_iter().find(Part::is_missing) {
        Some(part) => bail!("{} is missing: use `cargo xtask dist --install`", part.name),
        None => Ok(()),
    }
}

fn standard_library(target: &Target) -> Result<Part> {
    let found = installed::Rustc::find()?.standard_library(target.name);
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", target.name]);
    Ok(Part {
        name: format!("Rust for {}", target.name),
        found: found.map(|folder| folder.display().to_string()),
        install: vec![rustup],
        hint: "where rustup cannot download, install the rust-std of this target by hand",
    })
}

fn of_crate(name: &str, version: &str, tools: &Path) -> Part {
    let program = tools.join("bin").join(name);
    let mut install = Command::new("cargo");
    install.args(["install", name, "--version", version, "--locked", "--root"]);
    install.arg(tools);
    Part {
        name: format!("{name} {version}"),
        found: has_version(&program, name, version).then(|| program.display().to_string()),
        install: vec![install],
        hint: "it is built from source",
    }
}

/// cargo notes what it installed in a file beside it, as `"cargo-deb 3.8.0 (registry+…)" = ["cargo-deb"]`;
/// not every one of these programs says its version.
fn has_version(program: &Path, name: &str, version: &str) -> bool {
    let notes = program
        .parent()
        .and_then(Path::parent)
        .map(|it| it.join(".crates.toml"));
    let notes = notes.and_then(|notes| std::fs::read_to_string(notes).ok());
    program.is_file() && notes.is_some_and(|it| it.contains(&format!("\"{name} {version} ")))
}
