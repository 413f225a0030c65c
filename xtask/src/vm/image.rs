//! An unpacked kernel.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::architecture::Architecture;

/// Where the packages of the kernel in `folder` are unpacked.
pub(super) fn unpacked(folder: &Path) -> PathBuf {
    folder.join("unpacked")
}

/// The image of the kernel in `folder`.
pub(super) fn find(folder: &Path) -> Result<PathBuf> {
    let unpacked = unpacked(folder);
    let mut in_boot = entries(&unpacked.join("boot")).filter(|path| starts_with(path, "vmlinuz-"));
    let versions = entries(&unpacked.join("usr/lib/modules"));
    let mut in_modules = versions
        .map(|version| version.join("vmlinuz"))
        .filter(|it| it.is_file());
    let found = in_boot.next().or_else(|| in_modules.next());
    found.with_context(|| missing("kernel", folder))
}

/// The modules of the kernel in `folder`: a folder that is named by its version.
pub(super) fn modules(folder: &Path) -> Result<PathBuf> {
    let places = ["lib/modules", "usr/lib/modules"].map(|place| unpacked(folder).join(place));
    let mut versions = places.iter().flat_map(|place| entries(place));
    versions.next().with_context(|| missing("modules", folder))
}

/// The packages that are unpacked in `folder`, one in each line.
pub(super) fn packages(folder: &Path) -> Result<String> {
    fs::read_to_string(list(folder)).with_context(|| missing("packages", folder))
}

/// Where that list is.
pub(super) fn list(folder: &Path) -> PathBuf {
    folder.join("packages")
}

/// The folder that modules of the kernel in `folder` are built against.
pub(super) fn headers(folder: &Path) -> Result<PathBuf> {
    let mut headers = entries(&unpacked(folder).join("usr/src"))
        .filter(|path| starts_with(path, "linux-headers-") && path.join(".config").is_file());
    headers.next().with_context(|| missing("headers", folder))
}

/// Where the packages of the busybox for `architecture` are unpacked; none where this machine's own
/// serves.
pub(super) fn busybox_folder(architecture: Architecture, vm: &Path) -> Option<PathBuf> {
    let is_foreign = architecture != Architecture::X86;
    is_foreign.then(|| vm.join(format!("busybox-{}", architecture.debian())))
}

/// A static busybox for `architecture`.
pub(super) fn busybox(architecture: Architecture, vm: &Path) -> Result<PathBuf> {
    let root = busybox_folder(architecture, vm).map(|folder| unpacked(&folder));
    let root = root.unwrap_or_else(|| PathBuf::from("/"));
    let folders = ["bin", "usr/bin"].map(|folder| root.join(folder).join("busybox"));
    let found = folders.into_iter().find(|path| path.is_file());
    found.context("there is no busybox: use `cargo xtask vm --install`")
}

fn missing(what: &str, folder: &Path) -> String {
    let folder = folder.display();
    format!("no {what} in {folder}: use `cargo xtask vm --install`")
}

/// What is in a folder; nothing if there is no such folder.
fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path())
}

fn starts_with(path: &Path, begin: &str) -> bool {
    path.file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with(begin))
}
