//! The kernel that Debian has only sources of: with page frames of 64 KiB.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result};

use super::apt::Apt;
use super::{image, install, kernel};
use crate::command;

/// What is switched on in it; all else is off.
const CONFIG: &str = include_str!("built_kernel.config");
/// What builds it beside what machines need: programs or headers, and the packages that have them.
const BUILD: [(&str, &str); 6] = [
    ("make", "make"),
    ("flex", "flex"),
    ("bison", "bison"),
    ("bc", "bc"),
    ("pahole", "dwarves"),
    ("../include/libelf.h", "libelf-dev"),
];
/// Where the package has the archive of the sources.
const SOURCES: &str = "usr/src";

/// Fetches the sources into `vm` and builds the kernel there.
pub(super) fn build(vm: &Path) -> Result<()> {
    let kernel = &kernel::BUILT;
    install::install_programs(&BUILD)?;
    let lists = vm.join("apt/sources");
    let apt = Apt::of_suites(lists, kernel.architecture, [kernel.suite])?;
    let package = apt.newest(kernel.image, kernel.variant)?;
    let folder = kernel.folder(vm);
    install::install_packages(&apt, std::slice::from_ref(&package), &folder)?;
    let unpacked = image::unpacked(&folder);
    let sources = unpack(&unpacked.join(SOURCES), &package)?;
    configure(&sources)?;
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    command::run(make(&sources).args([&format!("-j{jobs}"), "Image"]))?;
    let boot = unpacked.join("boot");
    fs::create_dir_all(&boot).with_context(|| format!("cannot make {}", boot.display()))?;
    let (image, copy) = (
        sources.join("arch/arm64/boot/Image"),
        boot.join(format!("vmlinuz-{}", kernel.name)),
    );
    fs::copy(&image, &copy).with_context(|| format!("cannot copy {}", image.display()))?;
    println!("{}: built", copy.display());
    Ok(())
}

/// The folder with the sources, unpacked unless it is there.
fn unpack(folder: &Path, package: &str) -> Result<PathBuf> {
    let sources = folder.join(package);
    if !sources.is_dir() {
        let mut tar = Command::new("tar");
        tar.arg("--extract").arg("--directory").arg(folder);
        command::run(
            tar.arg("--file")
                .arg(folder.join(format!("{package}.tar.xz"))),
        )?;
    }
    Ok(sources)
}

/// Nothing but what [`CONFIG`] names, and what that needs.
fn configure(sources: &Path) -> Result<()> {
    let file = sources.join("pagetrace.config");
    fs::write(&file, CONFIG).with_context(|| format!("cannot write {}", file.display()))?;
    command::run(
        make(sources)
            .arg("KCONFIG_ALLCONFIG=pagetrace.config")
            .arg("allnoconfig"),
    )
}

fn make(sources: &Path) -> Command {
    let mut make = Command::new("make");
    make.arg("--silent").arg("-C").arg(sources);
    make.args(["ARCH=arm64", "CROSS_COMPILE=aarch64-linux-gnu-"]);
    make
}
