//! `SHA256SUMS`, as `sha256sum --check` reads it.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::fingerprint;

const FILE: &str = "SHA256SUMS";

/// Writes those of all files in the folder.
pub(super) fn write(folder: &Path) -> Result<()> {
    let mut names: Vec<_> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.file_name()))
        .collect::<Result<_>>()?;
    names.sort();
    let mut sums = String::new();
    for name in names.iter().filter(|name| *name != FILE) {
        let path = folder.join(name);
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let sum = fingerprint::of_bytes(&bytes);
        sums += &format!("{sum}  {}\n", name.display());
    }
    let file = folder.join(FILE);
    fs::write(&file, sums).with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_but_its_own_has_a_sum() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("b"), "").expect("room");
        fs::write(folder.path().join("a"), "abc").expect("room");
        write(folder.path()).expect("sums");
        write(folder.path()).expect("the same again");
        let sums = fs::read_to_string(folder.path().join(FILE)).expect("sums");
        assert_eq!(
            sums,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a\n\
             e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b\n"
        );
    }
}
