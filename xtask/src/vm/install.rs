//! `cargo xtask vm --install`: brings QEMU and the kernels.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use clap::ValueEnum as _;

use super::apt::Apt;
use super::architecture::Architecture;
use super::debian::Debian;
use super::kernel::{self, Kernel};
use super::platform::{Platform, Userland};
use super::{image, machine};
use crate::command;
use crate::installed::Rustc;

/// What builds a module and Debian's root: programs, and the packages that have them.
const BUILD: [(&str, &str); 4] = [
    ("make", "make"),
    ("gcc", "gcc"),
    ("debootstrap", "debootstrap"),
    ("mkfs.ext4", "e2fsprogs"),
];

/// Installs the programs that are missing, and the newest kernel of each series into `vm`.
pub(super) fn run(vm: &Path) -> Result<()> {
    install_programs(&BUILD)?;
    for architecture in Architecture::ALL {
        install_standard_library(architecture)?;
        install_kernels(architecture, vm)?;
    }
    Debian::of(vm).install(&kernels_of_debian(), vm)
}

/// Where rustup has none, the library is built with the programs.
fn install_standard_library(architecture: Architecture) -> Result<()> {
    let target = architecture.target();
    if Rustc::find()?.standard_library(target).is_some() {
        return Ok(());
    }
    let added = command::run(Command::new("rustup").args(["target", "add", target]));
    if let Err(error) = added {
        println!("Rust's standard library for {target} will be built from source: {error:#}");
    }
    Ok(())
}

/// The kernels of one kind of machine, and the busybox that they run, if this machine's does not.
fn install_kernels(architecture: Architecture, vm: &Path) -> Result<()> {
    let kernels = kernel::ALL
        .iter()
        .filter(|it| it.architecture == architecture);
    let suites = kernels.clone().map(|kernel| kernel.suite);
    let lists = vm.join("apt").join(architecture.debian());
    let apt = Apt::of_suites(lists, architecture, suites)?;
    if let Some(folder) = image::busybox_folder(architecture, vm) {
        install_packages(&apt, &["busybox-static".to_owned()], &folder)?;
    }
    for kernel in kernels {
        install_packages(&apt, &packages(&apt, kernel)?, &kernel.folder(vm))?;
    }
    Ok(())
}

/// The kernels that Debian's userland is started with.
fn kernels_of_debian() -> Vec<Kernel> {
    let emulated = Platform::value_variants()
        .iter()
        .filter_map(|it| it.emulated());
    let with_debian = emulated.filter(|(_, userland)| matches!(userland, Userland::Debian { .. }));
    with_debian.map(|(kernel, _)| kernel).collect()
}

/// Installs what machines need, and the programs of `more`, with the packages that have them, as far as
/// they are missing.
pub(super) fn install_programs(more: &'static [(&str, &str)]) -> Result<()> {
    let machines = Architecture::ALL.into_iter();
    let packages: BTreeSet<_> = machines
        .flat_map(machine::missing_packages)
        .chain(machine::missing(more))
        .collect();
    if packages.is_empty() {
        return Ok(());
    }
    command::run(command::as_root("apt-get").arg("update"))?;
    let mut install = command::as_root("apt-get");
    install.args(["install", "--yes", "--no-install-recommends"]);
    command::run(install.args(packages))
}

/// Unpacks these packages into a folder, unless they are.
pub(super) fn install_packages(apt: &Apt, packages: &[String], folder: &Path) -> Result<()> {
    let list = packages.join("\n");
    let installed = image::list(folder);
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == list) {
        println!("{}: there already", packages[0]);
        return Ok(());
    }
    let unpacked = image::unpacked(folder);
    if unpacked.exists() {
        fs::remove_dir_all(&unpacked)
            .with_context(|| format!("cannot remove {}", unpacked.display()))?;
    }
    fs::create_dir_all(&unpacked).with_context(|| format!("cannot make {}", unpacked.display()))?;
    for package in packages {
        apt.unpack(package, &unpacked)?;
    }
    fs::write(&installed, list).with_context(|| format!("cannot write {}", installed.display()))
}

/// The package with the image, and those to build a module with.
fn packages(apt: &Apt, kernel: &Kernel) -> Result<Vec<String>> {
    let image = apt.newest(kernel.image, kernel.variant)?;
    let mut packages = vec![image.clone()];
    if kernel.module {
        let headers = image.replace("linux-image-", "linux-headers-");
        let more = apt.dependencies(&headers)?;
        // The compiler is this machine's.
        packages.extend(more.into_iter().filter(|name| !name.contains("compiler")));
        packages.push(headers);
    }
    Ok(packages)
}
