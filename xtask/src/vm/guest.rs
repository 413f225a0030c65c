//! What a virtual machine starts with.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::environment::Environment;
use super::tree::Tree;

const BUSYBOX: &str = "/bin/busybox";

/// What is run in the machine.
pub(super) struct Payload<'a> {
    /// Programs and what they read. Each lies where it lies here, because programs have
    /// places compiled into them.
    pub(super) files: Vec<&'a Path>,
    /// The variables of `run.sh`.
    pub(super) environment: Environment,
}

impl Payload<'_> {
    /// Puts it into the folder `root` of the tree.
    pub(super) fn lay(&self, tree: &Tree, root: &str) -> Result<()> {
        for file in &self.files {
            tree.copy(file, Path::new(&format!("{root}{}", file.display())))?;
        }
        tree.write_script(&format!("{root}/run.sh"), include_str!("run.sh"))?;
        tree.write(&format!("{root}/environment"), &self.environment.script())
    }
}

/// Packs the payload and no more than it needs into an initramfs in `folder`.
pub(super) fn pack(folder: &Path, busybox: &Path, payload: &Payload<'_>) -> Result<PathBuf> {
    let tree = with_busybox(folder, busybox, include_str!("init.sh"))?;
    tree.folder("tmp")?;
    payload.lay(&tree, "")?;
    let archive = folder.join("initramfs");
    tree.pack(&archive)?;
    Ok(archive)
}

/// A tree with this busybox, which runs `init` first.
pub(super) fn with_busybox(folder: &Path, busybox: &Path, init: &str) -> Result<Tree> {
    let tree = Tree::new(folder)?;
    for name in ["dev", "proc", "sys"] {
        tree.folder(name)?;
    }
    tree.copy(busybox, Path::new(BUSYBOX))?;
    tree.write_script("init", init)?;
    Ok(tree)
}
