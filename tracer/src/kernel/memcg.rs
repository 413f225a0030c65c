//! The memory control group of a process: BPF maps count in it too (from
//! Linux 5.11 on), and a process that goes beyond its limit is killed.

use std::path::{Path, PathBuf};

use super::mountinfo::Mount;
use crate::model::{MemoryCgroup, MemoryLimit, Reclaim};

/// Where the groups of memory lie, and a process's among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memcg {
    /// The path of the group, as `/proc/PID/cgroup` has it.
    pub path: String,
    /// The folder of the group.
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
    /// Where a line `oom_kill N` counts the processes that were killed.
    events: &'static str,
    /// Where the kernel is asked to take memory back, if anywhere.
    reclaim: Option<&'static str>,
}

const VERSION_1: Files = Files {
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    statistics: "memory.stat",
    cache: ["total_inactive_file ", "total_active_file "],
    events: "memory.oom_control",
    reclaim: None,
};

const VERSION_2: Files = Files {
    limit: "memory.max",
    usage: "memory.current",
    statistics: "memory.stat",
    cache: ["inactive_file ", "active_file "],
    events: "memory.events",
    reclaim: Some("memory.reclaim"),
};

impl Memcg {
    /// Finds the group in the texts of `/proc/PID/cgroup` and `/proc/self/mountinfo`.
    pub fn find(cgroup: &str, mountinfo: &str) -> Option<Self> {
        let version_1 = path_where(cgroup, has_memory).and_then(|path| {
            let is_mount = |mount: &Mount<'_>| mount.kind == "cgroup" && has_memory(mount.options);
            Self::below(path, mountinfo, is_mount, VERSION_1)
        });
        version_1.or_else(|| {
            let is_mount = |mount: &Mount<'_>| mount.kind == "cgroup2";
            let path = path_where(cgroup, str::is_empty)?;
            Self::below(path, mountinfo, is_mount, VERSION_2)
        })
    }

    fn below(
        path: &str,
        mountinfo: &str,
        is_mount: impl Fn(&Mount<'_>) -> bool,
        files: Files,
    ) -> Option<Self> {
        let mount = mountinfo.lines().filter_map(Mount::parse).find(is_mount)?;
        // `/../x` lies outside of the cgroup namespace.
        let is_inside = !path.split('/').any(|part| part == "..");
        let below = Path::new(path).strip_prefix(mount.root).ok()?;
        is_inside.then(|| Self {
            path: path.to_owned(),
            folder: Path::new(mount.point).join(below),
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

    /// The limit, the use and the kills of the group. `read` gives the text of a file.
    pub fn state(&self, read: impl Fn(&Path) -> Option<String>) -> MemoryCgroup {
        let own = |name| read(&self.folder.join(name));
        let events = own(self.files.events).unwrap_or_default();
        let kills = events
            .lines()
            .find_map(|line| line.strip_prefix("oom_kill "));
        MemoryCgroup {
            path: self.path.clone(),
            limit: self.limit(&read),
            usage_bytes: own(self.files.usage).and_then(|text| text.trim().parse().ok()),
            oom_kills: kills.and_then(|kills| kills.trim().parse().ok()),
            reclaim: None,
        }
    }

    /// What the kernel takes back when the group's file for that is written to; none if that file does
    /// not exist. `read` gives the text of a file.
    pub fn reclaim(
        &self,
        exists: impl Fn(&Path) -> bool,
        read: impl Fn(&Path) -> Option<String>,
    ) -> Option<Reclaim> {
        const DROPPED: [&str; 2] = ["inactive_file ", "slab_reclaimable "];
        let file = self.folder.join(self.files.reclaim?);
        let statistics = read(&self.folder.join(self.files.statistics))?;
        exists(&file).then(|| Reclaim {
            file: file.to_string_lossy().into_owned(),
            bytes: sum(&statistics, &DROPPED),
        })
    }

    /// The least limit of the group and those around it; of equals, the nearest.
    fn limit(&self, read: &impl Fn(&Path) -> Option<String>) -> Option<MemoryLimit> {
        let folders = self.folder.ancestors();
        let folders = folders.take_while(|it| it.starts_with(&self.root));
        let groups = folders.zip(Path::new(&self.path).ancestors());
        let counting = groups.enumerate().take_while(|(depth, (folder, _))| {
            *depth == 0 || includes_groups_below(read(&folder.join("memory.use_hierarchy")))
        });
        let limits = counting.filter_map(|(_, (folder, path))| {
            Some(MemoryLimit {
                bytes: limit_bytes(&read(&folder.join(self.files.limit))?)?,
                cgroup: path.to_string_lossy().into_owned(),
            })
        });
        limits.min_by_key(|limit| limit.bytes)
    }
}

/// A limit; none if the text stands for none: `max`, or the largest number of pages that
/// version 1 counts (mm/page_counter.c).
fn limit_bytes(text: &str) -> Option<u64> {
    const NONE: u64 = i64::MAX as u64 / (1 << 16) * (1 << 16);
    text.trim().parse().ok().filter(|&bytes| bytes < NONE)
}

/// Version 1, up to Linux 5.10, has groups whose limit leaves those below alone.
fn includes_groups_below(use_hierarchy: Option<String>) -> bool {
    use_hierarchy.is_none_or(|text| text.trim() != "0")
}

/// The path of a memory control group in the text of `/proc/PID/cgroup`, whatever can be seen of it.
pub fn path(cgroup: &str) -> Option<&str> {
    path_where(cgroup, has_memory).or_else(|| path_where(cgroup, str::is_empty))
}

/// The path behind the controllers that are wanted: a line is `ID:CONTROLLERS:PATH`, and version
/// 2 has no controllers there.
fn path_where(cgroup: &str, is_wanted: impl Fn(&str) -> bool) -> Option<&str> {
    cgroup.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        is_wanted(controllers).then_some(path)
    })
}

/// Whether `memory` is one of these controllers or options.
pub(super) fn has_memory(controllers: &str) -> bool {
    controllers.split(',').any(|it| it == "memory")
}

/// What the lines of statistics that begin so have together.
fn sum(statistics: &str, names: &[&str]) -> u64 {
    let value = |line: &str| {
        let mut names = names.iter();
        names.find_map(|name| line.strip_prefix(name)?.parse().ok())
    };
    let values = statistics.lines().filter_map(value);
    values.fold(0, u64::saturating_add)
}

impl Files {
    fn left(&self, read: impl Fn(&str) -> Option<String>) -> Option<u64> {
        let number = |name| read(name)?.trim().parse::<u64>().ok();
        let limit = number(self.limit)?;
        let statistics = read(self.statistics).unwrap_or_default();
        let cache = sum(&statistics, &self.cache);
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
    fn a_group_outside_of_the_namespace_is_not_looked_at() {
        assert_eq!(folder("4:memory:/../x\n", VERSION_1_MOUNTS), None);
        assert_eq!(path("4:memory:/../x\n"), Some("/../x"));
        assert_eq!(path("3:cpu:/y\n0::/box\n"), Some("/box"));
    }

    fn state(group: &str, texts: &[(&str, &str)]) -> MemoryCgroup {
        let mounts = [VERSION_1_MOUNTS, VERSION_2_MOUNTS].concat();
        let group = Memcg::find(group, &mounts).expect("it is there");
        group.state(|path| {
            let name = path.to_str()?.strip_prefix("/sys/fs/cgroup/")?;
            let (_, text) = texts.iter().find(|(known, _)| *known == name)?;
            Some((*text).to_owned())
        })
    }

    #[test]
    fn the_least_limit_counts_and_kills_are_the_groups_own() {
        let texts = [
            ("pod/memory.max", "4096000\n"),
            ("pod/one/memory.max", "max\n"),
            ("pod/one/memory.current", "8192\n"),
            ("pod/one/memory.events", "low 0\nmax 9\noom 9\noom_kill 7\n"),
        ];
        let expected = MemoryCgroup {
            path: "/box/pod/one".to_owned(),
            limit: Some(MemoryLimit {
                bytes: 4_096_000,
                cgroup: "/box/pod".to_owned(),
            }),
            usage_bytes: Some(8192),
            oom_kills: Some(7),
            reclaim: None,
        };
        assert_eq!(state("0::/box/pod/one\n", &texts), expected);
    }

    #[test]
    fn version_1_has_numbers_for_no_limit() {
        let texts = [
            ("memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("memory/a/memory.limit_in_bytes", "1000\n"),
            ("memory/a/memory.use_hierarchy", "0\n"),
            ("memory/a/b/memory.limit_in_bytes", "9223372036854710272\n"),
            (
                "memory/a/b/memory.oom_control",
                "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
            ),
        ];
        let found = state("4:memory:/a/b\n", &texts);
        assert_eq!((found.limit, found.oom_kills), (None, Some(3)));
        let own = state("4:memory:/a\n", &texts);
        assert_eq!(own.limit.map(|limit| limit.bytes), Some(1000));
        assert_eq!(own.oom_kills, None, "an old kernel does not count");
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
    fn only_what_needs_no_swap_is_given_back() {
        const STATISTICS: &str = "anon 9\nfile 700\ninactive_anon 8\ninactive_file 600\n\
                                  active_file 100\nslab_reclaimable 50\nslab 90\n";
        let reclaim = |cgroup, exists| {
            let mounts = [VERSION_1_MOUNTS, VERSION_2_MOUNTS].concat();
            let group = Memcg::find(cgroup, &mounts).expect("it is there");
            group.reclaim(|_| exists, |_| Some(STATISTICS.to_owned()))
        };
        let expected = Reclaim {
            file: "/sys/fs/cgroup/pod/memory.reclaim".to_owned(),
            bytes: 650,
        };
        assert_eq!(reclaim("0::/box/pod\n", true), Some(expected));
        assert_eq!(reclaim("0::/box/pod\n", false), None);
        assert_eq!(reclaim("4:memory:/a\n", true), None);
    }

    #[test]
    fn a_group_without_a_limit_leaves_everything() {
        let group = Memcg::find("0::/box\n", VERSION_2_MOUNTS).expect("it is there");
        assert_eq!(group.available(|_| Some("max\n".to_owned())), None);
        assert_eq!(group.available(|_| None), None);
    }
}
