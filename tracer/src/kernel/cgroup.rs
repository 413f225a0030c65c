//! Cgroups of version 2, as BPF programs know them: by id and depth.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};

use super::mountinfo::Mount;

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

/// The paths of all cgroups that can be seen, by their ids, from the text of
/// `/proc/self/mountinfo`. As they are in `/proc/PID/cgroup`: `/system.slice/nginx.service`.
pub fn paths(mountinfo: &str) -> BTreeMap<u64, String> {
    let mounts = mountinfo.lines().filter_map(Mount::parse);
    let unified = mounts.filter(|mount| mount.kind == "cgroup2");
    let mut paths = BTreeMap::new();
    for mount in unified {
        add_paths(Path::new(&*mount.path()), Path::new(mount.root), &mut paths);
    }
    paths
}

/// Adds the cgroups from the folder `point` down, which has the path `root`.
fn add_paths(point: &Path, root: &Path, paths: &mut BTreeMap<u64, String>) {
    let Ok(device) = fs::metadata(point).map(|it| it.dev()) else {
        return;
    };
    let mut waiting = vec![PathBuf::new()];
    while let Some(below) = waiting.pop() {
        let folder = point.join(&below);
        // One that was deleted on the way is not there; another file system has other inodes.
        let Some(found) = fs::metadata(&folder).ok().filter(|it| it.dev() == device) else {
            continue;
        };
        let path = root.components().chain(below.components());
        let path = path.collect::<PathBuf>().to_string_lossy().into_owned();
        paths.entry(found.ino()).or_insert(path);
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|it| it.is_dir()));
        waiting.extend(folders.map(|entry| below.join(entry.file_name())));
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

    fn mountinfo(point: &Path, root: &str, kind: &str) -> String {
        let point = point.display();
        format!("30 24 0:26 {root} {point} rw,nosuid - {kind} {kind} rw\n")
    }

    #[test]
    fn a_cgroup_has_the_inode_of_its_folder() {
        let point = tempfile::tempdir().expect("a folder");
        let inner = point.path().join("pod.slice/one");
        fs::create_dir_all(&inner).expect("room");
        fs::write(inner.join("cgroup.procs"), "").expect("room");
        let inode = |path: &Path| fs::metadata(path).expect("it is there").ino();
        let expected = |paths: [&str; 3]| {
            let folders = [point.path(), inner.parent().expect("a folder"), &inner];
            let ids = folders.map(inode).into_iter();
            ids.zip(paths.map(str::to_owned))
                .collect::<BTreeMap<_, _>>()
        };
        let whole = mountinfo(point.path(), "/", "cgroup2");
        assert_eq!(
            paths(&whole),
            expected(["/", "/pod.slice", "/pod.slice/one"])
        );
        let part = mountinfo(point.path(), "/box", "cgroup2");
        assert_eq!(
            paths(&part),
            expected(["/box", "/box/pod.slice", "/box/pod.slice/one"])
        );
        assert!(paths(&mountinfo(point.path(), "/", "cgroup")).is_empty());
        assert!(paths(&mountinfo(Path::new("/no/such"), "/", "cgroup2")).is_empty());
    }

    #[test]
    fn other_directories_are_refused() {
        for path in ["/proc", "/no/such/cgroup"] {
            let error = Cgroup::at(Path::new(path)).expect_err("not a cgroup");
            assert!(error.to_string().contains(path), "{error}");
        }
    }
}
