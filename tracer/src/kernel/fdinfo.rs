//! `/proc/PID/fdinfo/N`: what a descriptor leads to.

/// For a BPF program, the events that the kernel counted as kept from it; none on a kernel before 5.12,
/// which has no such counter. What counts in it differs by type of program and kernel.
pub fn recursion_misses(fdinfo: &str) -> Option<u64> {
    number(fdinfo, "recursion_misses:")
}

/// The mount through which the file was opened, as mountinfo numbers it.
pub fn mount_id(fdinfo: &str) -> Option<u64> {
    number(fdinfo, "mnt_id:")
}

fn number(fdinfo: &str, name: &str) -> Option<u64> {
    let value = fdinfo.lines().find_map(|line| line.strip_prefix(name))?;
    value.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read() {
        assert_eq!(
            recursion_misses("prog_type:\t17\nrecursion_misses:\t42\n"),
            Some(42)
        );
    }

    #[test]
    fn the_mount_is_read() {
        let text = "pos:\t0\nflags:\t02\nmnt_id:\t25\nino:\t7\n";
        assert_eq!(mount_id(text), Some(25));
    }

    #[test]
    fn an_old_kernel_has_no_count() {
        assert_eq!(recursion_misses("prog_type:\t17\n"), None);
    }
}
