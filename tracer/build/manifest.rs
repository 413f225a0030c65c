//! What is known about the checked-in BPF object: the file beside it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::fingerprint;

/// The BPF object, relative to the checkout.
pub(crate) const OBJECT: &str = "tracer/bpf/pagetrace.bpf.o";
/// Its manifest, relative to the checkout.
pub(crate) const MANIFEST: &str = "tracer/bpf/manifest.json";

/// Where the object comes from.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Manifest {
    /// Hash of the sources it was built from.
    pub(crate) sources: String,
    /// SHA-256 of the object.
    pub(crate) object: String,
    /// Version of each tool that had a hand in it.
    pub(crate) toolchain: BTreeMap<String, String>,
}

impl Manifest {
    /// Reads the manifest of the checkout at `root`.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let text = fs::read(root.join(MANIFEST)).with_context(|| missing(MANIFEST))?;
        serde_json::from_slice(&text).with_context(|| missing(MANIFEST))
    }

    /// Fails unless the object beside this manifest is the one it describes,
    /// and was built from the sources as they are now.
    pub(crate) fn verify(&self, root: &Path) -> Result<()> {
        let object = fs::read(root.join(OBJECT)).with_context(|| missing(OBJECT))?;
        ensure!(
            self.sources == fingerprint::of_sources(root)?,
            "{OBJECT} was built from other sources than these: rebuild it with `cargo xtask ebpf`"
        );
        ensure!(
            self.object == fingerprint::of_bytes(&object),
            "{OBJECT} is not the file that {MANIFEST} describes: rebuild it with `cargo xtask ebpf`"
        );
        Ok(())
    }
}

fn missing(path: &str) -> String {
    format!("cannot read {path} (`cargo xtask ebpf` writes it)")
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// The smallest checkout that has an object, and the manifest to match.
    fn checkout() -> (TempDir, Manifest) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (path, content) in [
            ("Cargo.toml", ""),
            ("Cargo.lock", "package = []"),
            ("tracer-ebpf/Cargo.toml", ""),
            ("xtask/src/toolchain.rs", ""),
            (OBJECT, "ELF"),
        ] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made the folder");
            fs::write(path, content).expect("wrote the file");
        }
        let manifest = Manifest {
            sources: fingerprint::of_sources(folder.path()).expect("hashed"),
            object: fingerprint::of_bytes(b"ELF"),
            toolchain: [("rustc".to_owned(), "1.95.0".to_owned())].into(),
        };
        (folder, manifest)
    }

    #[test]
    fn the_right_object_is_accepted() {
        let (folder, manifest) = checkout();
        manifest.verify(folder.path()).expect("accepted");
    }

    #[test]
    fn an_object_of_other_sources_is_refused() {
        let (folder, manifest) = checkout();
        fs::write(folder.path().join("tracer-ebpf/lib.rs"), "").expect("wrote the file");
        let error = manifest.verify(folder.path()).expect_err("refused");
        assert!(error.to_string().contains("other sources"), "{error}");
        assert!(error.to_string().contains("`cargo xtask ebpf`"), "{error}");
    }

    #[test]
    fn another_object_is_refused() {
        let (folder, manifest) = checkout();
        fs::write(folder.path().join(OBJECT), "FLE").expect("wrote the file");
        let error = manifest.verify(folder.path()).expect_err("refused");
        assert!(error.to_string().contains("not the file"), "{error}");
        assert!(error.to_string().contains("`cargo xtask ebpf`"), "{error}");
    }

    #[test]
    fn a_manifest_survives_its_file() {
        let (folder, manifest) = checkout();
        let text = serde_json::to_string(&manifest).expect("serialised");
        fs::write(folder.path().join(MANIFEST), text).expect("wrote the file");
        assert_eq!(Manifest::read(folder.path()).expect("read"), manifest);
    }

    #[test]
    fn a_missing_manifest_names_the_command() {
        let (folder, _) = checkout();
        let error = Manifest::read(folder.path()).expect_err("no manifest");
        assert!(error.to_string().contains("`cargo xtask ebpf`"), "{error}");
    }
}
