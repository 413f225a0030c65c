//! `/proc/self/fdinfo/N` of a BPF program.

/// Events that the kernel counted as kept from the program; none on a kernel before 5.12,
/// which has no such counter. What counts in it differs by type of program and kernel.
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
