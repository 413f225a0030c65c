//! An unpacked kernel.

use std::fs;
use std::path::{Path, PathBuf};

/// Where the packages of the kernel in `folder` are unpacked.
pub(super) fn unpacked(folder: &Path) -> PathBuf {
    folder.join("unpacked")
}

/// The image of the kernel in `folder`, if it has been installed.
pub(super) fn find(folder: &Path) -> Option<PathBuf> {
    let unpacked = unpacked(folder);
    let in_boot = entries(&unpacked.join("boot")).find(|path| starts_with(path, "vmlinuz-"));
    in_boot.or_else(|| {
        let modules = entries(&unpacked.join("usr/lib/modules"));
        modules
            .map(|version| version.join("vmlinuz"))
            .find(|path| path.is_file())
    })
}

/// The folder that modules of the kernel in `folder` are built against.
pub(super) fn headers(folder: &Path) -> Option<PathBuf> {
    entries(&unpacked(folder).join("usr/src"))
        .find(|path| starts_with(path, "linux-headers-") && path.join(".config").is_file())
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
