//! What packages have in them, those for other machines, too, which cannot be tried here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::tools::{TARGETS, Target};
use crate::command;

/// A kind of package.
pub(super) struct Kind {
    /// What it is called.
    pub(super) name: &'static str,
    /// How the names of those end that are for a target.
    pub(super) ending: fn(&Target) -> String,
    /// A shell's command that unpacks the package `$0` into the folder that it runs in.
    unpack: &'static str,
}

/// Debian's.
pub(super) const DEB: Kind = Kind {
    name: "deb",
    ending: |target| format!("_{}.deb", target.debian),
    unpack: "dpkg-deb --extract \"$0\" .",
};

/// Those of distributions like Red Hat's.
pub(super) const RPM: Kind = Kind {
    name: "rpm",
    ending: |target| format!(".{}.rpm", target.machine),
    unpack: "rpm2cpio \"$0\" | cpio --quiet --extract --make-directories",
};

/// Ensures that the packages in `made` bring the same files for each target, and each its own binary.
pub(super) fn check(made: &Path) -> Result<()> {
    for kind in [&DEB, &RPM] {
        let brought = TARGETS.iter().map(|target| files(made, kind, target));
        let brought: Vec<_> = brought.collect::<Result<_>>()?;
        let same = brought.windows(2).all(|pair| pair[0] == pair[1]);
        ensure!(same, "{} packages differ: {brought:?}", kind.name);
    }
    Ok(())
}

/// The files that one brings, with its binary compared.
fn files(made: &Path, kind: &Kind, target: &Target) -> Result<BTreeSet<PathBuf>> {
    let package = the_only(made, kind, target)?;
    let folder = tempfile::tempdir_in(made).context("cannot make a folder for a package")?;
    let mut unpack = Command::new("sh");
    unpack.args(["-e", "-c", kind.unpack]);
    command::run(unpack.arg(&package).current_dir(&folder))?;
    let read = |file: PathBuf| fs::read(&file).with_context(|| format!("no {}", file.display()));
    let packed = read(folder.path().join("usr/bin/pagetrace"))?;
    let binary = read(made.join(format!("pagetrace-{}", target.machine)))?;
    ensure!(packed == binary, "{} has another binary", package.display());
    let mut files = BTreeSet::new();
    list(folder.path(), folder.path(), &mut files)?;
    Ok(files)
}

/// Adds the files below `folder`, as they are called from `root` on.
fn list(root: &Path, folder: &Path, files: &mut BTreeSet<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(root, &path, files)?;
        } else {
            files.insert(path.strip_prefix(root)?.to_owned());
        }
    }
    Ok(())
}

/// The package of a kind for a target.
pub(super) fn the_only(made: &Path, kind: &Kind, target: &Target) -> Result<PathBuf> {
    let ending = (kind.ending)(target);
    let paths = fs::read_dir(made).with_context(|| format!("cannot list {}", made.display()))?;
    let paths = paths.filter_map(|entry| Some(entry.ok()?.path()));
    let found: Vec<_> = paths
        .filter(|path| path.to_string_lossy().ends_with(&ending))
        .collect();
    match &found[..] {
        [package] => Ok(package.clone()),
        _ => anyhow::bail!("{} packages *{ending} in {}", found.len(), made.display()),
    }
}
