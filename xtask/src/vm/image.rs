//! An unpacked kernel.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

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
