//! `/proc/PID/pagemap`: which page frame backs a virtual page.

/// Bytes per entry.
pub const ENTRY_LEN: usize = 8;

/// Page frame number of a present page, or none; also none where the kernel
/// hides the numbers (without `CAP_SYS_ADMIN` they read as 0).
///
/// Layout: Documentation/admin-guide/mm/pagemap.rst.
pub fn frame(entry: u64) -> Option<u64> {
    const FRAME: u64 = (1 << 55) - 1;
    let frame = entry & FRAME;
    (is_present(entry) && frame != 0).then_some(frame)
}

/// Whether the page is there: touched, and not in swap.
pub const fn is_present(entry: u64) -> bool {
    const PRESENT: u64 = 1 << 63;
    entry & PRESENT != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_present_page_has_a_frame() {
        assert_eq!(frame(1 << 63 | 0x1234), Some(0x1234));
        assert_eq!(frame(0x1234), None);
    }

    #[test]
    fn a_hidden_frame_is_none() {
        assert_eq!(frame(1 << 63), None);
        assert!(is_present(1 << 63));
    }

    #[test]
    fn flag_bits_are_not_part_of_the_frame() {
        assert_eq!(frame(u64::MAX), Some((1 << 55) - 1));
    }
}
