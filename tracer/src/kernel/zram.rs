//! `/sys/block/zramN/mm_stat`: memory of a compressed disk
//! (Documentation/admin-guide/blockdev/zram.rst).

/// Bytes that it takes, `mem_used_total`.
pub fn bytes(mm_stat: &str) -> Option<u64> {
    mm_stat.split_ascii_whitespace().nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_third_number_is_what_it_takes() {
        let text =
            "  4096       64    12288        0    12288        0        0        0        0\n";
        assert_eq!(super::bytes(text), Some(12288));
        assert_eq!(super::bytes("4096 64"), None);
    }
}
