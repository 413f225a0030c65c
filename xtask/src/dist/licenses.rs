//! The terms of all that is linked into the binary, which most of them want to be with every copy.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::tools::TARGETS;
use crate::{command, workspace};

/// What it is called.
pub(super) const FILE: &str = "THIRD-PARTY-LICENSES";

/// How names of such files begin.
const NAMES: [&str; 4] = ["license", "licence", "copying", "notice"];
/// The library that it is linked with has no crate.
const MUSL: &str = "musl, linked statically: MIT licence, https://musl.libc.org, Copyright 2005-2020 Rich \
                    Felker, et al.";

/// Writes them all.
pub(super) fn write(root: &Path, file: &Path) -> Result<()> {
    let mut cargo = workspace::cargo(root);
    cargo.args(["metadata", "--locked", "--format-version", "1"]);
    for target in &TARGETS {
        cargo.args(["--filter-platform", target.name]);
    }
    let metadata = command::output(&mut cargo)?;
    let crates = crates(&serde_json::from_str(&metadata)?);
    let mut text = format!("{MUSL}\n");
    for name in linked(root)? {
        let Some((licence, folder)) = crates.get(&name) else {
            continue;
        };
        text += &format!("\n{name}: {licence}\n");
        for terms in terms(folder)? {
            text += &format!("{}\n", terms.trim_end());
        }
    }
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// What comes into the binaries, as `name v1.2.3`; not what only builds or tests it.
fn linked(root: &Path) -> Result<Vec<String>> {
    let words = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let mut names = Vec::new();
    for target in &TARGETS {
        let mut tree: Command = workspace::cargo(root);
        tree.args(["tree", "--locked", "--package", "pagetrace"]);
        tree.args(["--edges", "normal", "--target", target.name]);
        let tree = command::output(tree.args(["--prefix", "none", "--format", "{p}"]))?;
        names.extend(tree.lines().map(words));
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// Licence and folder of each crate that is not ours, by `name v1.2.3`.
fn crates(metadata: &Value) -> BTreeMap<String, (String, PathBuf)> {
    let packages = metadata.get("packages").and_then(Value::as_array);
    let described = |package: &Value| {
        let text = |name| package.get(name).and_then(Value::as_str);
        text("source")?;
        let name = format!("{} v{}", text("name")?, text("version")?);
        let folder = Path::new(text("manifest_path")?).parent()?.to_owned();
        Some((
            name,
            (text("license").unwrap_or("unknown").to_owned(), folder),
        ))
    };
    packages
        .into_iter()
        .flatten()
        .filter_map(described)
        .collect()
}

/// The files with terms in a crate's folder and in those below, where C sources have theirs.
fn terms(folder: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?
    {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_with_terms(&path)?);
        }
    }
    files.extend(files_with_terms(folder)?);
    files.sort();
    let read = |path: &PathBuf| fs::read(path).map(|it| String::from_utf8_lossy(&it).into_owned());
    Ok(files.iter().map(read).collect::<Result<_, _>>()?)
}

fn files_with_terms(folder: &Path) -> Result<Vec<PathBuf>> {
    let paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let paths: Vec<_> = paths.collect::<Result<_>>()?;
    Ok(paths
        .into_iter()
        .filter(|path| path.is_file() && has_terms(path))
        .collect())
}

fn has_terms(path: &Path) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    NAMES.iter().any(|begin| name.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_crates_are_none_of_a_third_party() {
        let metadata = serde_json::json!({"packages": [
            {"name": "ours", "version": "0.1.0", "source": null, "license": "MIT",
             "manifest_path": "/w/ours/Cargo.toml"},
            {"name": "theirs", "version": "1.2.3", "source": "registry", "license": "Zlib",
             "manifest_path": "/r/theirs/Cargo.toml"},
        ]});
        let found = crates(&metadata);
        let expected = ("Zlib".to_owned(), PathBuf::from("/r/theirs"));
        assert_eq!(
            found,
            BTreeMap::from([("theirs v1.2.3".to_owned(), expected)])
        );
    }

    #[test]
    fn terms_are_told_by_their_names() {
        for name in ["LICENSE-MIT", "COPYING", "license.md", "NOTICE"] {
            assert!(has_terms(Path::new(name)), "{name}");
        }
        assert!(!has_terms(Path::new("README.md")));
    }
}
