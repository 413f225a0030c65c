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
    let (size_bytes, resident_bytes) = (number("size")?, number("rss"));
    Some(SysvSegment {
        id: number("shmid")?,
        key: key(text("key")?)?,
        size_bytes,
        resident_bytes,
        is_huge: resident_bytes.is_some_and(|resident| is_too_much(resident, size_bytes)),
        swapped_bytes: number("swap").unwrap_or(0),
        attached: number("nattch")?,
        changed_at: number("ctime"),
        creator: creator(number("cpid")?),
        ..SysvSegment::default()
    })
}

/// Whether only a segment of huge pages can have this much in memory. Their pages are counted in
/// page frames already when `shm_add_rss_swap` multiplies them by the frames of a huge page
/// (ipc/shm.c of Linux 6.18). Transparent huge pages are of 512 MiB at most.
fn is_too_much(resident: u64, size: u64) -> bool {
    const LARGEST: u64 = 512 << 20;
    let most = size.checked_next_multiple_of(LARGEST);
    most.is_some_and(|most| resident > most)
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
    fn a_segment_with_more_than_its_size_is_made_of_huge_pages() {
        let text = "key shmid size cpid nattch rss\n\
                    0 1 6291456 7 0 3221225472\n\
                    0 2 6291456 7 0 8388608\n\
                    0 3 18446744073709551615 7 0 8388608\n";
        let huge: Vec<_> = segments(text).iter().map(|it| it.is_huge).collect();
        assert_eq!(huge, [true, false, false]);
    }

    #[test]
    fn an_old_kernel_does_not_tell_what_is_resident() {
        let text = "key shmid perms size cpid lpid nattch\n1 2 600 4096 7 7 1\n";
        let segments = segments(text);
        assert_eq!(segments[0].resident_bytes, None);
        assert_eq!(segments[0].size_bytes, 4096);
    }
}
