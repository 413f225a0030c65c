//! One hash over everything the checked-in BPF object is made from.
//!
//! The build script of `pagetrace` compares it with the object's manifest and
//! `cargo xtask ebpf` writes it there, so both compile this file.

use std::collections::BTreeMap;
use std::fs;
use std::iter;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use toml::{Table, Value};

/// Folders and files of which every byte counts, relative to the checkout.
pub(crate) const WHOLE: [&str; 2] = [KERNEL_SIDE, "xtask/src/toolchain.rs"];
/// Files of which only what reaches the kernel side counts.
pub(crate) const IN_PART: [&str; 2] = ["Cargo.toml", "Cargo.lock"];

const KERNEL_SIDE: &str = "tracer-ebpf";
const PROFILE: &str = "bpf";

/// The tables of a member's manifest that inherit, and what they inherit from.
const INHERITING: [(&str, &str); 3] = [
    ("package", "package"),
    ("dependencies", "dependencies"),
    ("build-dependencies", "dependencies"),
];

/// Hashes the sources of the BPF object in the checkout at `root`.
pub(crate) fn of_sources(root: &Path) -> Result<String> {
    let mut parts = Parts::default();
    for path in WHOLE {
        parts.add_files(root, path)?;
    }
    let [workspace, lock] = IN_PART;
    let workspace = read_toml(root, workspace)?;
    parts.add_workspace(&workspace)?;
    parts.add_inherited(&workspace, &read_toml(root, "tracer-ebpf/Cargo.toml")?)?;
    parts.add_packages(&read_toml(root, lock)?);
    Ok(parts.hash())
}

/// The SHA-256 of `bytes` in hexadecimal.
pub(crate) fn of_bytes(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// What goes into the hash, by name: neither the order in which parts are found
/// nor the place of the checkout shows.
#[derive(Default)]
struct Parts(BTreeMap<String, Vec<u8>>);

impl Parts {
    /// Adds the file at `path`, or every file below it that is not hidden.
    fn add_files(&mut self, root: &Path, path: &str) -> Result<()> {
        let place = root.join(path);
        if !place.is_dir() {
            self.0.insert(path.to_owned(), read(&place)?);
            return Ok(());
        }
        for entry in fs::read_dir(&place).with_context(|| cannot_read(&place))? {
            let name = entry?.file_name();
            let name = name.to_string_lossy();
            if !name.starts_with('.') {
                self.add_files(root, &format!("{path}/{name}"))?;
            }
        }
        Ok(())
    }

    /// Adds the settings of the workspace that apply to the kernel side unasked.
    fn add_workspace(&mut self, workspace: &Table) -> Result<()> {
        self.add_setting(workspace, &["workspace", "resolver"])?;
        let inherits = |profile: &&str| at(workspace, &["profile", profile, "inherits"])?.as_str();
        for profile in iter::successors(Some(PROFILE), inherits) {
            self.add_setting(workspace, &["profile", profile])?;
        }
        Ok(())
    }

    /// Adds the settings that `member` takes over by `workspace = true`.
    fn add_inherited(&mut self, workspace: &Table, member: &Table) -> Result<()> {
        for (table, source) in INHERITING {
            let entries = member.get(table).and_then(Value::as_table);
            for (key, value) in entries.into_iter().flatten() {
                if value.get("workspace").is_some() {
                    self.add_setting(workspace, &["workspace", source, key])?;
                }
            }
        }
        Ok(())
    }

    fn add_setting(&mut self, workspace: &Table, path: &[&str]) -> Result<()> {
        let name = format!("setting {}", path.join("."));
        // `Table` keeps its keys sorted, so layout and comments do not count.
        let value = serde_json::to_vec(&at(workspace, path))?;
        self.0.insert(name, value);
        Ok(())
    }

    /// Adds every package that the kernel side depends on, directly or not.
    fn add_packages(&mut self, lock: &Lock) {
        for package in lock.closure(KERNEL_SIDE) {
            let name = format!(
                "package {} {} {:?}",
                package.name, package.version, package.source
            );
            let checksum = package.checksum.clone().unwrap_or_default();
            self.0.insert(name, checksum.into_bytes());
        }
    }

    fn hash(&self) -> String {
        let mut all = Vec::new();
        for (name, content) in &self.0 {
            all.extend(format!("{name} {}\n", content.len()).into_bytes());
            all.extend(content);
        }
        of_bytes(&all)
    }
}

/// `Cargo.lock`, as far as it matters here.
#[derive(Deserialize)]
struct Lock {
    package: Vec<Package>,
}

#[derive(Deserialize, PartialEq)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

impl Lock {
    /// The package called `root` and all that it depends on.
    fn closure(&self, root: &str) -> Vec<&Package> {
        let mut found: Vec<&Package> = self.find(root).collect();
        let mut next = 0;
        while let Some(&package) = found.get(next) {
            for dependency in package.dependencies.iter().flat_map(|name| self.find(name)) {
                if !found.contains(&dependency) {
                    found.push(dependency);
                }
            }
            next += 1;
        }
        found
    }

    fn find<'a>(&'a self, reference: &str) -> impl Iterator<Item = &'a Package> {
        self.package
            .iter()
            .filter(move |package| package.is(reference))
    }
}

impl Package {
    /// Whether the lock file's `name [version [(source)]]` means this package.
    fn is(&self, reference: &str) -> bool {
        let source = self.source.as_ref().map(|source| format!("({source})"));
        let mut words = reference.split(' ');
        words.next() == Some(&self.name)
            && words.next().is_none_or(|version| version == self.version)
            && words
                .next()
                .is_none_or(|word| Some(word) == source.as_deref())
    }
}

fn at<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter()
        .try_fold(table.get(*first)?, |value, key| value.get(key))
}

fn read_toml<T: DeserializeOwned>(root: &Path, path: &str) -> Result<T> {
    let bytes = read(&root.join(path))?;
    toml::from_slice(&bytes).with_context(|| format!("cannot make sense of {path}"))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| cannot_read(path))
}

fn cannot_read(path: &Path) -> String {
    format!("cannot read {}", path.display())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// A checkout with one file of every kind that counts, and some that do not.
    const CHECKOUT: [(&str, &str); 6] = [
        (
            "Cargo.toml",
            r#"
            [workspace]
            resolver = "3"
            [workspace.package]
            edition = "2024"
            license = "MIT"
            [workspace.dependencies]
            direct = "=1.0.0"
            unrelated = "1.0"
            [profile.release]
            lto = "thin"
            [profile.bpf]
            inherits = "release"
            opt-level = 3
            "#,
        ),
        (
            "Cargo.lock",
            r#"
            [[package]]
            name = "tracer-ebpf"
            version = "0.1.0"
            dependencies = ["direct"]
            [[package]]
            name = "direct"
            version = "1.0.0"
            source = "registry+somewhere"
            checksum = "d1"
            dependencies = ["twice 2.0.0 (registry+somewhere)"]
            [[package]]
            name = "twice"
            version = "2.0.0"
            source = "registry+somewhere"
            checksum = "c2"
            [[package]]
            name = "twice"
            version = "1.0.0"
            source = "registry+somewhere"
            checksum = "c1"
            [[package]]
            name = "unrelated"
            version = "1.0.0"
            source = "registry+somewhere"
            checksum = "u1"
            "#,
        ),
        (
            "tracer-ebpf/Cargo.toml",
            r#"
            [package]
            name = "tracer-ebpf"
            edition.workspace = true
            [dependencies]
            direct = { workspace = true, optional = true }
            "#,
        ),
        ("tracer-ebpf/src/main.rs", "mod maps;"),
        ("tracer-ebpf/src/maps/slots.rs", "// slots"),
        ("xtask/src/toolchain.rs", "const LLVM: u32 = 22;"),
    ];

    /// Writes [`CHECKOUT`] to a new folder, in the order given.
    fn checkout<'a>(files: impl Iterator<Item = &'a (&'a str, &'a str)>) -> TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (path, content) in files {
            put(folder.path(), path, content);
        }
        folder
    }

    fn put(root: &Path, path: &str, content: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made the folder");
        fs::write(path, content).expect("wrote the file");
    }

    /// Whether the hash changes when `from` becomes `to` in the file at `path`.
    fn matters(path: &str, from: &str, to: &str) -> bool {
        let folder = checkout(CHECKOUT.iter());
        let before = of_sources(folder.path()).expect("hashed");
        let content = fs::read_to_string(folder.path().join(path)).expect("read the file");
        assert_eq!(content.matches(from).count(), 1, "{from} in {path}");
        put(folder.path(), path, &content.replace(from, to));
        before != of_sources(folder.path()).expect("hashed")
    }

    #[test]
    fn every_source_file_matters() {
        assert!(matters("tracer-ebpf/src/main.rs", "maps", "slots"));
        assert!(matters("tracer-ebpf/src/maps/slots.rs", "slots", "sites"));
        assert!(matters(
            "tracer-ebpf/Cargo.toml",
            "optional = true",
            "optional = false"
        ));
        assert!(matters("xtask/src/toolchain.rs", "22", "23"));
    }

    #[test]
    fn a_file_that_comes_goes_or_moves_matters() {
        let folder = checkout(CHECKOUT.iter());
        let place = |path: &str| folder.path().join("tracer-ebpf/src").join(path);
        let mut hashes = vec![of_sources(folder.path()).expect("hashed")];
        fs::write(place("new.rs"), "").expect("wrote the file");
        hashes.push(of_sources(folder.path()).expect("hashed"));
        fs::rename(place("new.rs"), place("moved.rs")).expect("moved the file");
        hashes.push(of_sources(folder.path()).expect("hashed"));
        fs::remove_file(place("moved.rs")).expect("removed the file");
        assert_eq!(of_sources(folder.path()).expect("hashed"), hashes[0]);
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), 3);
    }

    #[test]
    fn settings_that_reach_the_kernel_side_matter() {
        assert!(matters("Cargo.toml", "opt-level = 3", "opt-level = 2"));
        assert!(matters("Cargo.toml", "lto = \"thin\"", "lto = \"fat\""));
        assert!(matters(
            "Cargo.toml",
            "resolver = \"3\"",
            "resolver = \"2\""
        ));
        assert!(matters(
            "Cargo.toml",
            "edition = \"2024\"",
            "edition = \"2021\""
        ));
        assert!(matters(
            "Cargo.toml",
            "direct = \"=1.0.0\"",
            "direct = \"=1.0.1\""
        ));
    }

    #[test]
    fn other_settings_do_not_matter() {
        assert!(!matters(
            "Cargo.toml",
            "license = \"MIT\"",
            "license = \"Zlib\""
        ));
        assert!(!matters(
            "Cargo.toml",
            "unrelated = \"1.0\"",
            "unrelated = \"2.0\""
        ));
        assert!(!matters(
            "Cargo.toml",
            "opt-level = 3",
            "# fast\n opt-level=3"
        ));
    }

    #[test]
    fn every_package_below_the_kernel_side_matters() {
        assert!(matters("Cargo.lock", "d1", "d2"));
        assert!(matters("Cargo.lock", "c2", "c3"));
        assert!(matters(
            "Cargo.lock",
            "version = \"0.1.0\"",
            "version = \"0.2.0\""
        ));
        assert!(matters(
            "Cargo.lock",
            "[\"direct\"]",
            "[\"direct\", \"unrelated\"]"
        ));
    }

    #[test]
    fn other_packages_do_not_matter() {
        assert!(!matters("Cargo.lock", "u1", "u2"));
        assert!(!matters("Cargo.lock", "c1", "c3"));
    }

    #[test]
    fn neither_place_nor_order_matters() {
        let [one, other] = [checkout(CHECKOUT.iter()), checkout(CHECKOUT.iter().rev())];
        assert_eq!(
            of_sources(one.path()).expect("hashed"),
            of_sources(other.path()).expect("hashed")
        );
    }

    #[test]
    fn an_editors_hidden_files_do_not_matter() {
        let folder = checkout(CHECKOUT.iter());
        let before = of_sources(folder.path()).expect("hashed");
        put(folder.path(), "tracer-ebpf/src/.main.rs.swp", "");
        assert_eq!(of_sources(folder.path()).expect("hashed"), before);
    }

    #[test]
    fn a_missing_input_is_named() {
        let folder = checkout(CHECKOUT.iter().filter(|(path, _)| *path != "Cargo.lock"));
        let error = of_sources(folder.path()).expect_err("no lock file");
        assert!(error.to_string().contains("Cargo.lock"), "{error}");
    }
}
