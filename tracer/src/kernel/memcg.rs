//! The memory control group of this process: BPF maps count in it too (from
//! Linux 5.11 on), and a process that goes beyond its limit is killed.

use std::path::{Path, PathBuf};

use super::mountinfo::Mount;

/// Where the groups of memory lie, and this process's among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memcg {
    /// The folder of this process's group.
    pub folder: PathBuf,
    /// The folder of the group around all others.
    root: PathBuf,
    files: Files,
}

/// The names that a version of control groups has for the same things
/// (Documentation/admin-guide/cgroup-v1/memory.rst, cgroup-v2.rst).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Files {
    /// The limit in bytes, or a word for none.
    pub limit: &'static str,
    /// Bytes in use.
    pub usage: &'static str,
    /// Statistics, one to a line.
    pub statistics: &'static str,
    /// Those of them that the kernel can take back, files in memory.
    cache: [&'static str; 2],
}

const VERSION_1: Files = Files {
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    statistics: "memory.stat",
    cache: ["total_inactive_file ", "total_active_file "],
};

const VERSION_2: Files = Files {
    limit: "memory.max",
    usage: "memory.current",
    statistics: "memory.stat",
    cache: ["inactive_file ", "active_file "],
};

impl Memcg {
    /// Finds the group in the texts of `/proc/self/cgroup` and `/proc/self/mountinfo`.
    pub fn find(cgroup: &str, mountinfo: &str) -> Option<Self> {
        let paths = cgroup.lines().filter_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            Some((fields.next()?, fields.next()?))
        });
        let is_memory = |controllers: &str| controllers.split(',').any(|it| it == "memory");
        let first = |wanted: &dyn Fn(&str) -> bool| {
            let mut paths = paths.clone();
            paths
                .find(|(controllers, _)| wanted(controllers))
                .map(|(_, path)| path)
        };
        let version_1 = first(&is_memory).and_then(|path| {
            let is_mount = |mount: &Mount<'_>| mount.kind == "cgroup" && is_memory(mount.options);
            Self::below(path, mountinfo, is_mount, VERSION_1)
        });
        version_1.or_else(|| {
            let is_mount = |mount: &Mount<'_>| mount.kind == "cgroup2";
            Self::below(first(&str::is_empty)?, mountinfo, is_mount, VERSION_2)
        })
    }

    fn below(
        path: &str,
        mountinfo: &str,
        is_mount: impl Fn(&Mount<'_>) -> bool,
        files: Files,
    ) -> Option<Self> {
        let mount = mountinfo.lines().filter_map(Mount::parse).find(is_mount)?;
        let path = Path::new(path).strip_prefix(mount.root).ok()?;
        Some(Self {
            folder: Path::new(mount.point).join(path),
            root: PathBuf::from(mount.point),
            files,
        })
    }

    /// Bytes that this process can still take, by the group that leaves least.
    /// `read` gives the text of a file; a group without a limit has none.
    pub fn available(&self, read: impl Fn(&Path) -> Option<String>) -> Option<u64> {
        let groups = self
            .folder
            .ancestors()
            .take_while(|it| it.starts_with(&self.root));
        let left = groups.filter_map(|folder| self.files.left(|name| read(&folder.join(name))));
        left.min()
    }
}

impl Files {
    fn left(&self, read: impl Fn(&str) -> Option<String>) -> Option<u64> {
        let number = |name| read(name)?.trim().parse::<u64>().ok();
        let limit = number(self.limit)?;
        let statistics = read(self.statistics).unwrap_or_default();
        let value = |line: &str| {
            self.cache
                .iter()
                .find_map(|it| line.strip_prefix(it)?.parse().ok())
        };
        let cache = statistics
            .lines()
            .filter_map(value)
            .fold(0, u64::saturating_add);
        Some(limit.saturating_sub(number(self.usage)?.saturating_sub(cache)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION_1_MOUNTS: &str = "\
26 20 0:23 / /sys/fs/cgroup/cpu rw,nosuid shared:5 - cgroup cgroup rw,cpu
27 20 0:24 / /sys/fs/cgroup/memory rw,nosuid shared:6 - cgroup cgroup rw,memory
";
    const VERSION_2_MOUNTS: &str =
        "30 23 0:26 /box /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

    fn folder(cgroup: &str, mountinfo: &str) -> Option<PathBuf> {
        Some(Memcg::find(cgroup, mountinfo)?.folder)
    }

    #[test]
    fn both_versions_are_found() {
        assert_eq!(
            folder("8:cpu:/x\n4:memory:/a/b\n0::/\n", VERSION_1_MOUNTS),
            Some("/sys/fs/cgroup/memory/a/b".into())
        );
        assert_eq!(
            folder("0::/box/user.slice\n", VERSION_2_MOUNTS),
            Some("/sys/fs/cgroup/user.slice".into())
        );
        assert_eq!(folder("0::/other\n", VERSION_2_MOUNTS), None);
        assert_eq!(folder("", ""), None);
    }

    #[test]
    fn the_tightest_group_decides_and_files_in_memory_do_not_count() {
        let group = Memcg::find("4:memory:/a/b\n", VERSION_1_MOUNTS).expect("it is there");
        let read = |path: &Path| {
            let text = match path.strip_prefix("/sys/fs/cgroup/memory").ok()?.to_str()? {
                "memory.limit_in_bytes" => "9223372036854771712\n",
                "a/memory.limit_in_bytes" => "1000\n",
                "a/memory.usage_in_bytes" => "900\n",
                "a/memory.stat" => "cache 5\ntotal_inactive_file 300\ntotal_active_file 50\n",
                "a/b/memory.limit_in_bytes" => "5000\n",
                _ => "100\n",
            };
            Some(text.to_owned())
        };
        assert_eq!(group.available(read), Some(450));
    }

    #[test]
    fn a_group_without_a_limit_leaves_everything() {
        let group = Memcg::find("0::/box\n", VERSION_2_MOUNTS).expect("it is there");
        assert_eq!(group.available(|_| Some("max\n".to_owned())), None);
        assert_eq!(group.available(|_| None), None);
    }
}
