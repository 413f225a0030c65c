//! A cgroup (v2), as BPF programs know it: by id and depth.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use anyhow::{Context as _, Result, ensure};

/// One cgroup of the unified hierarchy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cgroup {
    /// Its id, which is the inode number of its directory (fs/kernfs/dir.c).
    pub id: u64,
    /// How deep it lies below the root, which has depth 0.
    pub level: i32,
}

impl Cgroup {
    /// The cgroup whose directory is at `path`.
    pub fn at(path: &Path) -> Result<Self> {
        let name = path.display();
        let path = path
            .canonicalize()
            .with_context(|| format!("cannot find the cgroup {name}"))?;
        ensure!(
            is_cgroup(&path)?,
            "{name} is no cgroup of version 2: name a directory below its mount point"
        );
        let id = fs::metadata(&path)?.ino();
        let ancestors = path.ancestors().skip(1);
        let inside = ancestors.take_while(|it| is_cgroup(it).unwrap_or(false));
        let (level, root) = inside.fold((0, &*path), |(level, _), ancestor| (level + 1, ancestor));
        // Only the real root has no type (Documentation/admin-guide/cgroup-v2.rst).
        ensure!(
            !root.join("cgroup.type").exists(),
            "the depth of {name} cannot be seen from inside a cgroup namespace: run pagetrace on \
             the host"
        );
        Ok(Self { id, level })
    }
}

fn is_cgroup(path: &Path) -> Result<bool> {
    /// `CGROUP2_SUPER_MAGIC` of include/uapi/linux/magic.h.
    const CGROUP2: i64 = 0x6367_7270;
    let found =
        rustix::fs::statfs(path).with_context(|| format!("cannot look at {}", path.display()))?;
    Ok(found.f_type == CGROUP2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_directories_are_refused() {
        for path in ["/proc", "/no/such/cgroup"] {
            let error = Cgroup::at(Path::new(path)).expect_err("not a cgroup");
            assert!(error.to_string().contains(path), "{error}");
        }
    }
}
