//! `/proc/self/mountinfo`: which file system is mounted where.
//!
//! Not by a library: `procfs` reads all lines or none, so that one it cannot read hides all
//! mounts.

use std::borrow::Cow;

use crate::model::Device;

/// One line of it (Documentation/filesystems/proc.rst):
/// `36 35 98:0 /root /point rw,noatime master:1 - cgroup cgroup rw,memory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mount<'a> {
    /// The number of this mount; no other of the machine has it.
    pub id: u64,
    /// The file system.
    pub device: Device,
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
        let mut mount = mount.split(' ');
        let mut kind = kind.split(' ');
        Some(Self {
            id: mount.next()?.parse().ok()?,
            device: device(mount.nth(1)?)?,
            root: mount.next()?,
            point: mount.next()?,
            kind: kind.next()?,
            options: kind.nth(1)?,
        })
    }

    /// Where it is mounted, as a path.
    pub fn path(&self) -> Cow<'a, str> {
        unescaped(self.point)
    }
}

/// Where a whole file system of this kind is mounted.
pub fn points<'a>(mountinfo: &'a str, kind: &str) -> impl Iterator<Item = &'a str> {
    let mounts = mountinfo.lines().filter_map(Mount::parse);
    let whole = mounts.filter(move |mount| mount.kind == kind && mount.root == "/");
    whole.map(|mount| mount.point)
}

/// `MAJOR:MINOR`.
fn device(text: &str) -> Option<Device> {
    let (major, minor) = text.split_once(':')?;
    Some(Device {
        major: major.parse().ok()?,
        minor: minor.parse().ok()?,
    })
}

/// A path without the kernel's escapes: a backslash and three octal digits, for space, tab,
/// newline and backslash (fs/proc_namespace.c, `mangle`).
fn unescaped(text: &str) -> Cow<'_, str> {
    const ESCAPES: [(&str, char); 4] = [("040", ' '), ("011", '\t'), ("012", '\n'), ("134", '\\')];
    let mut parts = text.split('\\');
    let first = parts.next().unwrap_or_default();
    if first.len() == text.len() {
        return Cow::Borrowed(text);
    }
    let mut path = first.to_owned();
    for part in parts {
        let escape = ESCAPES
            .iter()
            .find_map(|&(code, c)| Some((c, part.strip_prefix(code)?)));
        let (c, rest) = escape.unwrap_or(('\\', part));
        path.push(c);
        path.push_str(rest);
    }
    Cow::Owned(path)
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

    #[test]
    fn a_path_can_have_any_character() {
        let line = r"91 30 0:63 / /mnt/a\040b\134\011 rw - tmpfs tmpfs rw";
        let mount = Mount::parse(line).expect("a line");
        assert_eq!(mount.path(), "/mnt/a b\\\t");
        let (major, minor) = (0, 63);
        assert_eq!(mount.device, Device { major, minor });
        assert_eq!(unescaped(r"/a\04\"), r"/a\04\");
    }
}
