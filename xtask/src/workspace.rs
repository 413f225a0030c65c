//! Where things are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The checkout that this program was built from.
pub(crate) fn root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}

/// The folder under cargo's target folder that is kept for BPF builds.
pub(crate) fn bpf_target(root: &Path) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("bpf")
}

/// The cargo that runs this program, working in the checkout at `root`.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.current_dir(root);
    cargo
}
