//! `cargo xtask vm --install`: brings QEMU and the kernels.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use clap::ValueEnum as _;

use super::apt::Apt;
use super::kernel::{Kernel, Source};
use super::{image, machine};
use crate::command;

/// The variant of a kernel that is made for virtual machines.
const VARIANT: &str = "-cloud-amd64";

/// What is needed to build a module.
const BUILD: [&str; 2] = ["make", "gcc"];

/// Installs the programs that are missing, and the newest kernel of each series into `vm`.
pub(super) fn run(vm: &Path) -> Result<()> {
    install_programs()?;
    let sources = || Kernel::value_variants().iter().filter_map(|it| it.source());
    let apt = Apt::of_suites(vm.join("apt"), sources().map(|source| source.suite))?;
    for kernel in Kernel::value_variants() {
        if let Some(source) = kernel.source() {
            install_kernel(&apt, &source, &kernel.folder(vm))?;
        }
    }
    Ok(())
}

fn install_programs() -> Result<()> {
    let packages: Vec<_> = machine::missing_packages().chain(missing_build()).collect();
    if packages.is_empty() {
        return Ok(());
    }
    command::run(command::as_root("apt-get").arg("update"))?;
    let mut install = command::as_root("apt-get");
    install.args(["install", "--yes", "--no-install-recommends"]);
    command::run(install.args(packages))
}

fn missing_build() -> impl Iterator<Item = &'static str> {
    BUILD.into_iter().filter(|name| !machine::has_program(name))
}

fn install_kernel(apt: &Apt, source: &Source, folder: &Path) -> Result<()> {
    let packages = packages(apt, source)?;
    let list = packages.join("\n");
    let installed = folder.join("packages");
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
    for package in &packages {
        apt.unpack(package, &unpacked)?;
    }
    fs::write(&installed, list).with_context(|| format!("cannot write {}", installed.display()))
}

/// The package with the image, and those to build a module with.
fn packages(apt: &Apt, source: &Source) -> Result<Vec<String>> {
    let image = apt.newest(source.image, VARIANT)?;
    let mut packages = vec![image.clone()];
    if source.module {
        let headers = image.replace("linux-image-", "linux-headers-");
        let more = apt.dependencies(&headers)?;
        // The compiler is this machine's.
        packages.extend(more.into_iter().filter(|name| !name.contains("compiler")));
        packages.push(headers);
    }
    Ok(packages)
}
