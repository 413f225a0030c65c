//! What is known about the checked-in BPF objects: the file beside them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::fingerprint;

/// The BPF objects by name: that of the trace, that of queries and probes, and that which copies
/// kernel memory.
pub(crate) const OBJECTS: [&str; 3] = ["trace", "query", "memory"];
/// Their manifest, relative to the checkout.
pub(crate) const MANIFEST: &str = "tracer/bpf/manifest.json";

/// Where an object is, relative to the checkout.
pub(crate) fn path(object: &str) -> String {
    format!("tracer/bpf/{object}.bpf.o")
}

/// Where the objects come from.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Manifest {
    /// Hash of the sources they were built from.
    pub(crate) sources: String,
    /// SHA-256 of each object, by its name.
    pub(crate) objects: BTreeMap<String, String>,
    /// Version of each tool that had a hand in it.
    pub(crate) toolchain: BTreeMap<String, String>,
}

impl Manifest {
    /// Reads the manifest of the checkout at `root`.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let text = fs::read(root.join(MANIFEST)).with_context(|| missing(MANIFEST))?;
        serde_json::from_slice(&text).with_context(|| missing(MANIFEST))
    }

    /// Fails unless the objects beside this manifest are those it describes,
    /// and were built from the sources as they are now.
    pub(crate) fn verify(&self, root: &Path) -> Result<()> {
        ensure!(
            self.sources == fingerprint::of_sources(root)?,
            "the BPF objects were built from other sources than these: rebuild them with \
             `cargo xtask ebpf`"
        );
        OBJECTS
            .into_iter()
            .try_for_each(|name| self.verify_object(root, name))
    }

    fn verify_object(&self, root: &Path, name: &str) -> Result<()> {
        let path = path(name);
        let object = fs::read(root.join(&path)).with_context(|| missing(&path))?;
        ensure!(
            self.objects.get(name) == Some(&fingerprint::of_bytes(&object)),
            "{path} is not the file that {MANIFEST} describes: rebuild it with `cargo xtask ebpf`"
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

    fn put(folder: &TempDir, path: &str, content: &str) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made the folder");
        fs::write(path, content).expect("wrote the file");
    }

    /// The smallest checkout that has the objects, and the manifest to match.
    fn checkout() -> (TempDir, Manifest) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (path, content) in [
            ("Cargo.toml", ""),
            ("Cargo.lock", "package = []"),
            ("tracer-ebpf/Cargo.toml", ""),
            ("xtask/src/toolchain.rs", ""),
        ] {
            put(&folder, path, content);
        }
        for name in OBJECTS {
            put(&folder, &path(name), name);
        }
        let object = |name: &str| (name.to_owned(), fingerprint::of_bytes(name.as_bytes()));
        let manifest = Manifest {
            sources: fingerprint::of_sources(folder.path()).expect("hashed"),
            objects: OBJECTS.map(object).into(),
            toolchain: [("rustc".to_owned(), "1.95.0".to_owned())].into(),
        };
        (folder, manifest)
    }

    #[test]
    fn the_right_objects_are_accepted() {
        let (folder, manifest) = checkout();
        manifest.verify(folder.path()).expect("accepted");
    }

    #[test]
    fn objects_of_other_sources_are_refused() {
        let (folder, manifest) = checkout();
        put(&folder, "tracer-ebpf/lib.rs", "");
        let error = manifest.verify(folder.path()).expect_err("refused");
        assert!(error.to_string().contains("other sources"), "{error}");
        assert!(error.to_string().contains("`cargo xtask ebpf`"), "{error}");
    }

    #[test]
    fn another_object_is_refused() {
        for name in OBJECTS {
            let (folder, manifest) = checkout();
            put(&folder, &path(name), "ELF");
            let error = manifest.verify(folder.path()).expect_err("refused");
            let error = error.to_string();
            assert!(error.contains("not the file"), "{error}");
            assert!(error.contains(&path(name)), "{error}");
            assert!(error.contains("`cargo xtask ebpf`"), "{error}");
        }
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
