//! `/proc/self/mountinfo`: which file system is mounted where.
//!
//! Not by a library: `procfs` reads all lines or none, so that one it cannot read hides all
//! mounts.

/// One line of it (Documentation/filesystems/proc.rst):
/// `36 35 98:0 /root /point rw,noatime master:1 - cgroup cgroup rw,memory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mount<'a> {
    /// The folder of the file system that is mounted; `/` for all of it.
    pub root: &'a str,
    /// Where it is mounted. A space in it reads `\040`.
    pub point: &'a str,
    /// The kind of file system.
    pub kind: &'a str,
    /// The options of the file system, as distinct from those of this mount.
    pub options: &'a str,
}

impl<'a> Mount<'a> {
    /// Reads a line; none if it is not one.
    pub fn parse(line: &'a str) -> Option<Self> {
        let (mount, kind) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let mut kind = kind.split(' ');
        Some(Self {
            root: mount.next()?,
            point: mount.next()?,
            kind: kind.next()?,
            options: kind.nth(1)?,
        })
    }
}

/// Where a whole file system of this kind is mounted.
pub fn points<'a>(mountinfo: &'a str, kind: &str) -> impl Iterator<Item = &'a str> {
    let mounts = mountinfo.lines().filter_map(Mount::parse);
    let whole = mounts.filter(move |mount| mount.kind == kind && mount.root == "/");
    whole.map(|mount| mount.point)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
24 30 0:23 / /sys rw,nosuid shared:7 - sysfs sysfs rw
36 24 0:12 / /sys/kernel/tracing rw,nosuid shared:17 - tracefs tracefs rw
90 30 0:12 /instances/one /trace rw - tracefs tracefs rw,mode=755
91 30 0:12 / /mnt/t rw - tracefs none rw
broken - tracefs
";

    #[test]
    fn whole_file_systems_are_found() {
        let points: Vec<_> = points(MOUNTS, "tracefs").collect();
        assert_eq!(points, ["/sys/kernel/tracing", "/mnt/t"]);
    }

    #[test]
    fn nothing_is_found_where_nothing_is_mounted() {
        assert_eq!(points(MOUNTS, "debugfs").count(), 0);
        assert_eq!(points("", "tracefs").count(), 0);
    }
}
