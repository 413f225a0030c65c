//! A tree of files that becomes an initramfs.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::command;

/// The tree. Dropping it removes it.
pub(super) struct Tree(TempDir);

impl Tree {
    /// An empty one in `folder`, which has room for it.
    pub(super) fn new(folder: &Path) -> Result<Self> {
        let tree = tempfile::tempdir_in(folder).context("cannot make a folder for the machine")?;
        // The folder is private to us, and would be the machine's root.
        fs::set_permissions(&tree, Permissions::from_mode(0o755))?;
        Ok(Self(tree))
    }

    /// Makes a folder.
    pub(super) fn folder(&self, place: &str) -> Result<()> {
        let folder = self.path(Path::new(place));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))
    }

    /// Copies a file of this machine.
    pub(super) fn copy(&self, file: &Path, place: &Path) -> Result<()> {
        let copy = self.make_room(place)?;
        fs::copy(file, &copy)
            .with_context(|| format!("cannot copy {} to {}", file.display(), copy.display()))?;
        Ok(())
    }

    /// Writes a file.
    pub(super) fn write(&self, place: &str, text: &str) -> Result<()> {
        let path = self.make_room(Path::new(place))?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Writes a file that can be run.
    pub(super) fn write_script(&self, place: &str, text: &str) -> Result<()> {
        self.write(place, text)?;
        let path = self.path(Path::new(place));
        fs::set_permissions(&path, Permissions::from_mode(0o755))
            .with_context(|| format!("cannot change the mode of {}", path.display()))
    }

    /// Makes a link to `target`.
    pub(super) fn link(&self, place: &str, target: &str) -> Result<()> {
        let path = self.make_room(Path::new(place))?;
        symlink(target, &path).with_context(|| format!("cannot make {}", path.display()))
    }

    /// Packs it into `archive`.
    pub(super) fn pack(&self, archive: &Path) -> Result<()> {
        let mut pack = Command::new("sh");
        pack.args([
            "-c",
            "find . | cpio --quiet --create --format=newc --owner=+0:+0 >\"$0\"",
        ]);
        command::run(pack.arg(archive).current_dir(&self.0))
    }

    fn path(&self, place: &Path) -> PathBuf {
        self.0.path().join(place.strip_prefix("/").unwrap_or(place))
    }

    /// The path of a file to come.
    fn make_room(&self, place: &Path) -> Result<PathBuf> {
        let path = self.path(place);
        let folder = path.parent().unwrap_or(&path);
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(path)
    }
}
