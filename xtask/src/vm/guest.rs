//! The file system that a virtual machine starts with.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::environment::Environment;
use crate::command;

const BUSYBOX: &str = "/bin/busybox";

/// Packs busybox, `init.sh`, `run.sh` and `files` into an archive in `folder`. Each of the
/// files lies where it lies here, because programs have places compiled into them.
pub(super) fn pack<'a>(
    folder: &Path,
    files: impl IntoIterator<Item = &'a Path>,
    environment: &Environment,
) -> Result<PathBuf> {
    let tree = tempfile::tempdir_in(folder).context("cannot make a folder for the machine")?;
    for name in ["dev", "proc", "sys", "tmp"] {
        fs::create_dir(tree.path().join(name))?;
    }
    for file in files {
        copy(file, tree.path(), file)?;
    }
    copy(&busybox()?, tree.path(), Path::new(BUSYBOX))?;
    write(tree.path(), "init", include_str!("init.sh"))?;
    write(tree.path(), "run.sh", include_str!("run.sh"))?;
    write(tree.path(), "environment", &environment.script())?;
    archive(tree.path(), folder.join("initramfs"))
}

/// Where this machine has a busybox, which must be the static one.
pub(super) fn busybox() -> Result<PathBuf> {
    let folders = ["/bin", "/usr/bin"].map(|folder| Path::new(folder).join("busybox"));
    let found = folders.into_iter().find(|path| path.is_file());
    found.context("there is no busybox: use `cargo xtask vm --install`")
}

fn copy(file: &Path, tree: &Path, place: &Path) -> Result<()> {
    let copy = tree.join(place.strip_prefix("/").unwrap_or(place));
    let folder = copy.parent().unwrap_or(tree);
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::copy(file, &copy)
        .with_context(|| format!("cannot copy {} to {}", file.display(), copy.display()))?;
    Ok(())
}

fn write(tree: &Path, name: &str, text: &str) -> Result<()> {
    let path = tree.join(name);
    let written = fs::write(&path, text)
        .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(0o755)));
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn archive(tree: &Path, archive: PathBuf) -> Result<PathBuf> {
    // The folder is private to us, and would be the machine's root.
    fs::set_permissions(tree, Permissions::from_mode(0o755))?;
    let mut pack = Command::new("sh");
    pack.args([
        "-c",
        "find . | cpio --quiet --create --format=newc --owner=+0:+0 >\"$0\"",
    ]);
    command::run(pack.arg(&archive).current_dir(tree))?;
    Ok(archive)
}
