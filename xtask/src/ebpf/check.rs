//! `cargo xtask ebpf --check`: the checked-in object is what its sources give.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::build::{self, Tools};
use crate::manifest::{Manifest, OBJECT};
use crate::{command, fingerprint};

/// Rebuilds the object from a copy of the sources and compares it byte for byte.
pub(super) fn run(root: &Path, tools: &Tools) -> Result<()> {
    let manifest = Manifest::read(root)?;
    let object = fs::read(root.join(OBJECT)).with_context(|| format!("cannot read {OBJECT}"))?;
    let rebuilt = rebuild(root, tools)?;
    let differences = differences(&manifest.toolchain, &tools.versions());
    differences
        .iter()
        .for_each(|difference| println!("toolchain: {difference}"));
    let [checked_in, rebuilt] = [&object, &rebuilt].map(|bytes| fingerprint::of_bytes(bytes));
    ensure!(
        checked_in == rebuilt,
        "{OBJECT} is not what its sources give{}: its SHA-256 is {checked_in}, and that of the \
         object rebuilt just now is {rebuilt}",
        if differences.is_empty() {
            ""
        } else {
            " here, where the toolchain is another"
        }
    );
    manifest.verify(root)?;
    println!("{OBJECT}: rebuilt byte for byte, SHA-256 {rebuilt}");
    Ok(())
}

/// Builds the object in a copy of the checkout that has never been built.
fn rebuild(root: &Path, tools: &Tools) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let copy = folder.path().join("checkout");
    copy_sources(root, &copy)?;
    build::object(&copy, &folder.path().join("target"), tools)
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

/// Which tools are of another version than when the object was checked in.
fn differences(then: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let unknown = String::from("unknown");
    now.iter()
        .map(|(tool, version)| (tool, then.get(tool).unwrap_or(&unknown), version))
        .filter(|(_, then, now)| then != now)
        .map(|(tool, then, now)| format!("{tool} was {then} and is {now} here"))
        .collect()
}
