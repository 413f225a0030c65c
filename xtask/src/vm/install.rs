//! `cargo xtask vm --install`: brings QEMU and the kernels.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use clap::ValueEnum as _;

use super::apt::Apt;
use super::debian::Debian;
use super::kernel::{self, Kernel};
use super::platform::{Platform, Userland};
use super::{image, machine};
use crate::command;

/// The variant of a kernel that is made for virtual machines.
const VARIANT: &str = "-cloud-amd64";

/// What builds a module and Debian's root: programs, and the packages that have them.
const BUILD: [(&str, &str); 4] = [
    ("make", "make"),
    ("gcc", "gcc"),
    ("debootstrap", "debootstrap"),
    ("mkfs.ext4", "e2fsprogs"),
];

/// Installs the programs that are missing, and the newest kernel of each series into `vm`.
pub(super) fn run(vm: &Path) -> Result<()> {
    install_programs()?;
    let suites = kernel::ALL.iter().map(|kernel| kernel.suite);
    let apt = Apt::of_suites(vm.join("apt"), suites)?;
    for kernel in &kernel::ALL {
        install_kernel(&apt, kernel, &kernel.folder(vm))?;
    }
    Debian::of(vm).install(&kernels_of_debian(), vm)
}

/// The kernels that Debian's userland is started with.
fn kernels_of_debian() -> Vec<Kernel> {
    let emulated = Platform::value_variants()
        .iter()
        .filter_map(|it| it.emulated());
    let with_debian = emulated.filter(|(_, userland)| matches!(userland, Userland::Debian { .. }));
    with_debian.map(|(kernel, _)| kernel).collect()
}

fn install_programs() -> Result<()> {
    let packages: Vec<_> = machine::missing_packages()
        .chain(machine::missing(&BUILD))
        .collect();
    if packages.is_empty() {
        return Ok(());
    }
    command::run(command::as_root("apt-get").arg("update"))?;
    let mut install = command::as_root("apt-get");
    install.args(["install", "--yes", "--no-install-recommends"]);
    command::run(install.args(packages))
}

fn install_kernel(apt: &Apt, kernel: &Kernel, folder: &Path) -> Result<()> {
    let packages = packages(apt, kernel)?;
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
    for package in &packages {
        apt.unpack(package, &unpacked)?;
    }
    fs::write(&installed, list).with_context(|| format!("cannot write {}", installed.display()))
}

/// The package with the image, and those to build a module with.
fn packages(apt: &Apt, kernel: &Kernel) -> Result<Vec<String>> {
    let image = apt.newest(kernel.image, VARIANT)?;
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
