//! Where things are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

/// The checkout that `cargo xtask` was typed in.
///
/// Not `env!`: two checkouts with one target folder may share this program.
pub(crate) fn root() -> Result<PathBuf> {
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let root = package.as_deref().and_then(Path::parent);
    Ok(root
        .context("not run by cargo: use `cargo xtask`")?
        .to_owned())
}

/// The folder under cargo's target folder that is kept for BPF builds.
pub(crate) fn bpf_target(root: &Path) -> PathBuf {
    target(root).join("bpf")
}

/// The folder under cargo's target folder that is kept for kernels and their machines.
pub(crate) fn vm_target(root: &Path) -> PathBuf {
    target(root).join("vm")
}

/// The folder under cargo's target folder with what users install.
pub(crate) fn dist_target(root: &Path) -> PathBuf {
    target(root).join("dist")
}

/// The folder under cargo's target folder that crates with programs are installed into.
pub(crate) fn tools(root: &Path) -> PathBuf {
    target(root).join("tools")
}

/// cargo's target folder.
pub(crate) fn target(root: &Path) -> PathBuf {
    let set = env::var_os("CARGO_TARGET_DIR").map(|set| root.join(set));
    set.unwrap_or_else(|| root.join("target"))
}

/// The cargo that runs this program, working in the checkout at `root`.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.current_dir(root);
    cargo
}
