//! Memory control groups that were deleted and still exist, since pages or objects of slabs are
//! charged to them ("dying"; kernel/cgroup/cgroup.c, `css_release_work_fn`). Each keeps its own
//! counters for every CPU and node.

use std::{fs, path::Path};

use super::{memcg, mountinfo::Mount};

/// How many there are on the machine, from the texts of `/proc/self/mountinfo` and
/// `/proc/cgroups`; none where that cannot be seen, as in a container.
pub fn dying_memory_cgroups(mountinfo: &str, cgroups: &str) -> Option<u64> {
    let mounts = || mountinfo.lines().filter_map(Mount::parse);
    let is_version_1 =
        |mount: &Mount<'_>| mount.kind == "cgroup" && memcg::has_memory(mount.options);
    let version_1 = mounts().find(is_version_1);
    if let Some(mount) = version_1 {
        return in_version_1(Path::new(&*mount.path()), cgroups);
    }
    let unified = mounts().find(|mount| mount.kind == "cgroup2")?;
    in_version_2(Path::new(&*unified.path()))
}

/// Those of the kernel less those that have a folder, the root's own included.
fn in_version_1(root: &Path, cgroups: &str) -> Option<u64> {
    // Only the real root has it (kernel/cgroup/cgroup-v1.c, CFTYPE_ONLY_ON_ROOT).
    let is_root = root.join("release_agent").exists();
    let all = is_root.then(|| memory_cgroups(cgroups)).flatten()?;
    Some(all.saturating_sub(folders(root)))
}

/// The third field of the line `memory HIERARCHY CGROUPS ENABLED` of `/proc/cgroups`.
fn memory_cgroups(cgroups: &str) -> Option<u64> {
    let mut lines = cgroups.lines().map(str::split_whitespace);
    let mut memory = lines.find(|fields| fields.clone().next() == Some("memory"))?;
    memory.nth(2)?.parse().ok()
}

/// How many folders there are from `root` down.
fn folders(root: &Path) -> u64 {
    let mut waiting = vec![root.to_owned()];
    let mut count = 0;
    while let Some(folder) = waiting.pop() {
        count += 1;
        // One that was deleted on the way has no entries.
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let below = entries.filter(|entry| entry.file_type().is_ok_and(|it| it.is_dir()));
        waiting.extend(below.map(|entry| entry.path()));
    }
    count
}

/// The kernel counts them itself: those of memory alone from Linux 6.11 on.
fn in_version_2(root: &Path) -> Option<u64> {
    // Only the real root has no type (Documentation/admin-guide/cgroup-v2.rst).
    let is_root = !root.join("cgroup.type").exists();
    let text = is_root
        .then(|| fs::read_to_string(root.join("cgroup.stat")).ok())
        .flatten()?;
    let count = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(' '));
        lines.find(|(key, _)| *key == name)?.1.trim().parse().ok()
    };
    count("nr_dying_subsys_memory").or_else(|| count("nr_dying_descendants"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CGROUPS: &str =
        "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t1\t1\t1\nmemory\t4\t66\t1\n";

    fn mountinfo(root: &Path, kind: &str, options: &str) -> String {
        format!(
            "30 24 0:26 / {} rw - {kind} {kind} {options}\n",
            root.display()
        )
    }

    #[test]
    fn version_1_has_more_than_folders() {
        let root = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(root.path().join("a/b")).expect("folders");
        let mounts = mountinfo(root.path(), "cgroup", "rw,memory");
        assert_eq!(dying_memory_cgroups(&mounts, CGROUPS), None, "no real root");
        fs::write(root.path().join("release_agent"), "").expect("a file");
        assert_eq!(dying_memory_cgroups(&mounts, CGROUPS), Some(63));
        assert_eq!(dying_memory_cgroups(&mounts, "memory\t4\t1\t1"), Some(0));
        assert_eq!(dying_memory_cgroups(&mounts, "memory\t4"), None);
    }

    #[test]
    fn version_2_tells() {
        let root = tempfile::tempdir().expect("a folder");
        let stat = |text| fs::write(root.path().join("cgroup.stat"), text).expect("a file");
        let mounts = mountinfo(root.path(), "cgroup2", "rw");
        assert_eq!(dying_memory_cgroups(&mounts, ""), None, "no file");
        stat("nr_descendants 9\nnr_dying_descendants 1204\n");
        assert_eq!(dying_memory_cgroups(&mounts, ""), Some(1204));
        stat("nr_dying_descendants 1204\nnr_dying_subsys_memory 1200\n");
        assert_eq!(dying_memory_cgroups(&mounts, ""), Some(1200));
        fs::write(root.path().join("cgroup.type"), "domain\n").expect("a file");
        assert_eq!(dying_memory_cgroups(&mounts, ""), None, "in a container");
    }

    #[test]
    fn nothing_is_mounted() {
        assert_eq!(dying_memory_cgroups("", CGROUPS), None);
    }
}
