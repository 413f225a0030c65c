//! `/proc/sysvipc/shm`: the System V segments of an IPC namespace.
//!
//! Not by a library: `procfs` reads all lines or none, and asks for columns that an older kernel
//! does not have.

use crate::model::{SysvSegment, Task};

/// The segments. Columns are found by their names in the first line (ipc/shm.c,
/// `sysvipc_shm_proc_show`); a line that lacks one is left out.
pub fn segments(text: &str) -> Vec<SysvSegment> {
    let mut lines = text.lines();
    let names = lines.next().unwrap_or_default();
    let names: Vec<_> = names.split_ascii_whitespace().collect();
    let lines = lines.filter_map(|line| segment(&names, line));
    lines.collect()
}

fn segment(names: &[&str], line: &str) -> Option<SysvSegment> {
    let values: Vec<_> = line.split_ascii_whitespace().collect();
    let text = |name: &str| {
        let column = names.iter().position(|it| *it == name)?;
        values.get(column).copied()
    };
    let number = |name: &str| text(name)?.parse::<u64>().ok();
    Some(SysvSegment {
        id: number("shmid")?,
        key: key(text("key")?)?,
        size_bytes: number("size")?,
        resident_bytes: number("rss"),
        swapped_bytes: number("swap").unwrap_or(0),
        attached: number("nattch")?,
        changed_at: number("ctime"),
        creator: creator(number("cpid")?),
        ..SysvSegment::default()
    })
}

/// The kernel prints a `key_t`, which is signed.
fn key(text: &str) -> Option<u32> {
    let key: i64 = text.parse().ok()?;
    i32::try_from(key).map(i32::cast_unsigned).ok()
}

/// 0 is a process that this one cannot see.
fn creator(pid: u64) -> Option<Task> {
    let pid = u32::try_from(pid).ok().filter(|&pid| pid != 0)?;
    let name = String::new();
    Some(Task { pid, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap
         0          5  1600               1048576   712   713      2     0     0     0     0 1782000000          0 1782000000                524288                  4096
-559038737      32769   666             104857600     0     0      0  1000  1000  1000  1000          0          0 1782000000             104857600                     0
         0          6
";

    #[test]
    fn an_orphan_is_attached_to_nobody() {
        let segments = segments(TEXT);
        let [attached, orphan] = &segments[..] else {
            panic!("{segments:?}");
        };
        let pid = attached.creator.as_ref().map(|task| task.pid);
        assert_eq!((attached.id, attached.attached, pid), (5, 2, Some(712)));
        assert_eq!(attached.resident_bytes, Some(512 << 10));
        assert_eq!(attached.swapped_bytes, 4096);
        assert_eq!(attached.changed_at, Some(1_782_000_000));
        assert_eq!((orphan.id, orphan.attached), (32769, 0));
        assert_eq!((orphan.key, &orphan.creator), (0xdead_beef, &None));
        assert_eq!(orphan.resident_bytes, Some(100 << 20));
    }

    #[test]
    fn an_old_kernel_does_not_tell_what_is_resident() {
        let text = "key shmid perms size cpid lpid nattch\n1 2 600 4096 7 7 1\n";
        let segments = segments(text);
        assert_eq!(segments[0].resident_bytes, None);
        assert_eq!(segments[0].size_bytes, 4096);
    }
}
