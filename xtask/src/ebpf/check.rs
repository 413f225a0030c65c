//! `cargo xtask ebpf --check`: the checked-in objects are what their sources give.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::build::{self, Objects, Tools};
use crate::manifest::{self, Manifest};
use crate::{command, fingerprint};

/// Rebuilds the objects from a copy of the sources and compares them byte for byte.
pub(super) fn run(root: &Path, tools: &Tools) -> Result<()> {
    let manifest = Manifest::read(root)?;
    let rebuilt = rebuild(root, tools)?;
    let differences = differences(&manifest.toolchain, &tools.versions());
    differences
        .iter()
        .for_each(|difference| println!("toolchain: {difference}"));
    for (name, rebuilt) in &rebuilt {
        compare(root, name, rebuilt, differences.is_empty())?;
    }
    manifest.verify(root)
}

fn compare(root: &Path, name: &str, rebuilt: &[u8], same_tools: bool) -> Result<()> {
    let path = manifest::path(name);
    let object = fs::read(root.join(&path)).with_context(|| format!("cannot read {path}"))?;
    let [checked_in, rebuilt] = [&object, rebuilt].map(fingerprint::of_bytes);
    ensure!(
        checked_in == rebuilt,
        "{path} is not what its sources give{}: its SHA-256 is {checked_in}, and that of the \
         object rebuilt just now is {rebuilt}",
        if same_tools {
            ""
        } else {
            " here, where the toolchain is another"
        }
    );
    println!("{path}: rebuilt byte for byte, SHA-256 {rebuilt}");
    Ok(())
}

/// Builds the objects in a copy of the checkout that has never been built.
fn rebuild(root: &Path, tools: &Tools) -> Result<Objects> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let copy = folder.path().join("checkout");
    copy_sources(root, &copy)?;
    build::objects(&copy, &folder.path().join("target"), tools)
}

/// Copies every file that git tracks or would offer to track.
fn copy_sources(root: &Path, copy: &Path) -> Result<()> {
    let mut list = Command::new("git");
    // CI may own the checkout as another user, which git refuses unless told.
    list.arg("-c")
        .arg(format!("safe.directory={}", root.display()));
    list.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    // A tracked file may have been deleted since.
    for path in command::output(list.current_dir(root))?.split_terminator('\0') {
        let from = root.join(path);
        if from.is_file() {
            copy_file(&from, &copy.join(path))?;
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    let copied = to
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::copy(from, to));
    copied.with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// Which tools are of another version than when the objects were checked in.
fn differences(then: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let unknown = String::from("unknown");
    now.iter()
        .map(|(tool, version)| (tool, then.get(tool).unwrap_or(&unknown), version))
        .filter(|(_, then, now)| then != now)
        .map(|(tool, then, now)| format!("{tool} was {then} and is {now} here"))
        .collect()
}
