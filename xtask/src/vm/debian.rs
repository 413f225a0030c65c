//! Debian's userland: a root made by debootstrap, as an image of a disk.

mod initramfs;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use super::apt::{self, KEYRING};
use super::image;
use super::kernel::Kernel;
use crate::command;

/// The last that can have cgroups of both versions.
const SUITE: &str = "bookworm";
/// Beside Debian's minimum: systemd with what a server has, and loads and servers for the tests.
const PACKAGES: [&str; 12] = [
    "cron",
    "dbus",
    "iproute2",
    "kmod",
    "libpam-systemd",
    "nftables",
    "nginx-light",
    "procps",
    "rsyslog",
    "stress-ng",
    "systemd-sysv",
    "udev",
];
/// What the kernel needs to reach the disk.
const DRIVERS: [&str; 2] = ["virtio_pci", "virtio_blk"];
/// Room for the root and for what tests write.
const IMAGE_BYTES: u64 = 2 << 30;

/// The folder that it is kept in.
pub(super) struct Debian(PathBuf);

impl Debian {
    /// That of the folder `vm`.
    pub(super) fn of(vm: &Path) -> Self {
        Self(vm.join("debian"))
    }

    /// Makes the root and its image, unless they are there already, with the modules of
    /// `kernels`, which are unpacked in `vm`.
    pub(super) fn install(&self, kernels: &[Kernel], vm: &Path) -> Result<()> {
        let contents = contents(kernels, vm)?;
        let installed = self.0.join("contents");
        if fs::read_to_string(&installed).is_ok_and(|installed| installed == contents) {
            println!("Debian's userland: there already");
            return Ok(());
        }
        if self.0.exists() {
            command::run(command::as_root("rm").arg("--recursive").arg(&self.0))?;
        }
        fs::create_dir_all(&self.0).with_context(|| format!("cannot make {}", self.0.display()))?;
        self.bootstrap()?;
        for kernel in kernels {
            self.add_modules(kernel, vm)?;
        }
        self.make_image()?;
        write(&installed, &contents)
    }

    /// The image of the disk.
    pub(super) fn image(&self) -> Result<PathBuf> {
        let (folder, image) = (self.0.display(), self.0.join("root.ext4"));
        ensure!(
            self.0.join("contents").is_file(),
            "no userland in {folder}: use `cargo xtask vm --install`"
        );
        Ok(image)
    }

    fn root(&self) -> PathBuf {
        self.0.join("root")
    }

    /// The list of files with drivers, in the order in which they are loaded.
    fn drivers(&self, kernel: &Kernel) -> PathBuf {
        self.0.join(format!("drivers-{}", kernel.name))
    }

    fn bootstrap(&self) -> Result<()> {
        let mut debootstrap = command::as_root("debootstrap");
        debootstrap
            .args(["--variant=minbase", "--keyring", KEYRING])
            .arg(format!("--include={}", PACKAGES.join(",")))
            .arg(SUITE)
            .arg(self.root())
            .arg(apt::site()?);
        command::run(&mut debootstrap)
    }

    fn add_modules(&self, kernel: &Kernel, vm: &Path) -> Result<()> {
        let modules = image::modules(&kernel.folder(vm))?;
        let version = modules.file_name().unwrap_or_default();
        let place = self.root().join("usr/lib/modules").join(version);
        let mut folder = command::as_root("mkdir");
        command::run(folder.arg("--parents").arg(&place))?;
        let mut copy = command::as_root("cp");
        copy.args(["--recursive", "--no-target-directory"]);
        command::run(copy.arg(&modules).arg(&place))?;
        let in_root = |program| {
            let mut chroot = command::as_root("chroot");
            chroot.arg(self.root()).arg(program);
            chroot
        };
        command::run(in_root("depmod").arg(version))?;
        let mut modprobe = in_root("modprobe");
        modprobe.arg("--set-version").arg(version);
        modprobe.args(["--show-depends", "--all"]).args(DRIVERS);
        let said = command::output(&mut modprobe)?;
        write(&self.drivers(kernel), &files_of(&said).join("\n"))
    }

    fn make_image(&self) -> Result<()> {
        let image = self.0.join("root.ext4");
        let file = File::create(&image).and_then(|file| file.set_len(IMAGE_BYTES));
        file.with_context(|| format!("cannot write {}", image.display()))?;
        let mut make = command::as_root("mkfs.ext4");
        make.args(["-q", "-F", "-d"]).arg(self.root()).arg(image);
        command::run(&mut make)
    }
}

/// What a root is made of, so that another one is made when that changes.
fn contents(kernels: &[Kernel], vm: &Path) -> Result<String> {
    let mut contents = format!("{SUITE}\n{}\n", PACKAGES.join("\n"));
    for kernel in kernels {
        contents += &image::packages(&kernel.folder(vm))?;
        contents.push('\n');
    }
    Ok(contents)
}

/// The files of lines such as `insmod /lib/modules/…/virtio.ko `, each once; what is no
/// module is `builtin virtio_pci`.
fn files_of(modprobe: &str) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    let lines = modprobe.lines();
    let files = lines.filter_map(|line| Some(line.strip_prefix("insmod ")?.trim_end()));
    files.filter(|file| seen.insert(*file)).collect()
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_loaded_once_and_what_is_built_in_has_none() {
        let said = "builtin virtio_pci\ninsmod /m/virtio.ko \ninsmod /m/virtio.ko \n\
                    insmod /m/virtio_blk.ko \n";
        assert_eq!(files_of(said), ["/m/virtio.ko", "/m/virtio_blk.ko"]);
    }
}
