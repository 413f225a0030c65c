//! `/proc/meminfo`.
//!
//! Not by a library: `procfs` fails where one of twenty lines is missing, as in a container,
//! and knows none that is newer than itself.

use std::collections::BTreeMap;

/// The bytes of one line, or none if this kernel has no such line.
pub fn bytes(meminfo: &str, name: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    in_bytes(line)
}

/// The bytes of every line that is in kB.
pub fn lines(meminfo: &str) -> BTreeMap<String, u64> {
    let lines = meminfo.lines().filter_map(|line| {
        let (name, number) = line.split_once(':')?;
        Some((name.to_owned(), in_bytes(number)?))
    });
    lines.collect()
}

fn in_bytes(number: &str) -> Option<u64> {
    let kib: u64 = number.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "MemTotal:       24684096 kB\nMemFree:          100 kB\n";

    #[test]
    fn a_line_gives_its_bytes() {
        assert_eq!(bytes(TEXT, "MemTotal"), Some(24_684_096 * 1024));
    }

    #[test]
    fn lines_without_a_unit_are_no_bytes() {
        let text = format!("{TEXT}HugePages_Total:       5\n");
        let names: Vec<_> = lines(&text).into_keys().collect();
        assert_eq!(names, ["MemFree", "MemTotal"]);
        assert_eq!(lines(&text)["MemFree"], 100 * 1024);
    }

    #[test]
    fn a_missing_line_is_not_zero() {
        assert_eq!(bytes(TEXT, "Mem"), None);
        assert_eq!(bytes(TEXT, "Zswap"), None);
    }
}
