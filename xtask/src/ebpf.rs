//! `cargo xtask ebpf`: builds the BPF objects that are checked in.

mod build;
mod check;
mod clippy;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::fingerprint;
use crate::manifest::{self, MANIFEST, Manifest};
use crate::workspace;
use build::Tools;

/// What to do instead of writing the objects.
#[derive(Args)]
#[group(multiple = false)]
pub(crate) struct Options {
    /// Rebuild the objects from nothing, in another folder, and compare
    #[arg(long)]
    check: bool,
    /// Lint the kernel side, as it is built for BPF
    #[arg(long)]
    clippy: bool,
}

/// Runs the verb.
pub(crate) fn run(options: &Options) -> Result<()> {
    let root = workspace::root()?;
    let tools = Tools::find()?;
    match options {
        Options { check: true, .. } => check::run(&root, &tools),
        Options { clippy: true, .. } => clippy::run(&root, &tools),
        _ => write(&root, &tools),
    }
}

fn write(root: &Path, tools: &Tools) -> Result<()> {
    let sources = fingerprint::of_sources(root)?;
    let objects = build::objects(root, &workspace::bpf_target(root), tools)?;
    let hash =
        |(name, object): (&&str, &Vec<u8>)| ((*name).to_owned(), fingerprint::of_bytes(object));
    let manifest = Manifest {
        sources,
        objects: objects.iter().map(hash).collect(),
        toolchain: tools.versions(),
    };
    save(
        root,
        MANIFEST,
        format!("{}\n", serde_json::to_string_pretty(&manifest)?).as_bytes(),
    )?;
    for (name, object) in &objects {
        let path = manifest::path(name);
        save(root, &path, object)?;
        println!(
            "{path}: {} bytes, SHA-256 {}",
            object.len(),
            fingerprint::of_bytes(object)
        );
    }
    Ok(())
}

fn save(root: &Path, path: &str, bytes: &[u8]) -> Result<()> {
    fs::write(root.join(path), bytes).with_context(|| format!("cannot write {path}"))
}
