//! The kernel module that leaks, built for one of Debian's kernels.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::image;
use crate::command;

/// Its sources.
const SOURCES: &str = "tests/module";
const NAME: &str = "pagetrace_leak";

/// Builds it for the kernel that is unpacked in `folder`, and in there.
pub(super) fn build(root: &Path, folder: &Path) -> Result<PathBuf> {
    let headers = image::headers(folder)?;
    relocate(&headers)?;
    let module = folder.join("module");
    // Kbuild writes beside the sources, so it gets a copy of them.
    fs::create_dir_all(&module).with_context(|| format!("cannot make {}", module.display()))?;
    for name in ["Kbuild", "pagetrace_leak.c"] {
        let source = root.join(SOURCES).join(name);
        fs::copy(&source, module.join(name))
            .with_context(|| format!("cannot copy {}", source.display()))?;
    }
    let mut make = Command::new("make");
    make.arg("--silent").arg("-C").arg(&headers);
    // Debian's own compiler is named in the headers, and this machine may have another.
    command::run(
        make.arg(format!("M={}", module.display()))
            .args(["CC=gcc", "modules"]),
    )?;
    Ok(module.join(NAME).with_extension("ko"))
}

/// Has the headers' makefile include its other half where it is unpacked.
fn relocate(headers: &Path) -> Result<()> {
    let (makefile, sources) = (
        headers.join("Makefile"),
        headers.parent().unwrap_or(headers),
    );
    let text = fs::read_to_string(&makefile)
        .with_context(|| format!("cannot read {}", makefile.display()))?;
    let include = format!("include {}/", sources.display());
    let relocated = text.replace("include /usr/src/", &include);
    fs::write(&makefile, relocated).with_context(|| format!("cannot write {}", makefile.display()))
}
