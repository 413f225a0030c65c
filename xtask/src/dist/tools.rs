//! What makes packages.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::installed;
use crate::part::Part;

/// What the binary is built for: a C library that can be linked statically, name service and all.
pub(super) const TARGET: &str = "x86_64-unknown-linux-musl";

/// Programs of crates, and their versions.
const CRATES: [(&str, &str); 3] = [
    ("cargo-deb", "3.8.0"),
    ("cargo-generate-rpm", "0.21.1"),
    ("cargo-sbom", "0.10.0"),
];

/// Programs of Debian's packages: what compiles C for the target, and what the check reads packages,
/// pages and completions with.
const PACKAGES: [(&str, &str); 5] = [
    ("musl-tools", "/usr/bin/musl-gcc"),
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
    Ok([standard_library()?]
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

fn standard_library() -> Result<Part> {
    let rustc = installed::Rustc::find()?;
    let folder = rustc.sysroot.join("lib/rustlib").join(TARGET);
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", TARGET]);
    Ok(Part {
        name: format!("Rust for {TARGET}"),
        found: folder.is_dir().then(|| folder.display().to_string()),
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
