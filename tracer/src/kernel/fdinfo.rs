//! `/proc/self/fdinfo/N` of a BPF program.

/// Events the kernel did not hand to the program because it was running on
/// that CPU already; none on a kernel before 5.12, which does not count them.
pub fn recursion_misses(fdinfo: &str) -> Option<u64> {
    let value = fdinfo
        .lines()
        .find_map(|line| line.strip_prefix("recursion_misses:"))?;
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
    fn an_old_kernel_has_no_count() {
        assert_eq!(recursion_misses("prog_type:\t17\n"), None);
    }
}
