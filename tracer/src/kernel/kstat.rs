//! `/proc/spl/kstat/zfs`: what ZFS counts (module/os/linux/spl/spl-kstat.c of OpenZFS).

/// A number by its name. Below two lines of head, a line is `NAME TYPE NUMBER`.
pub fn number(kstat: &str, name: &str) -> Option<u64> {
    let mut lines = kstat.lines().map(str::split_ascii_whitespace);
    let mut words = lines.find_map(|mut words| (words.next() == Some(name)).then_some(words))?;
    words.nth(1)?.parse().ok()
}

/// Pages of data in memory: `scatter_data_size` and what is left over at its pages' ends. They
/// come straight from the page allocator (module/os/linux/zfs/abd_os.c).
pub fn data_bytes(abdstats: &str) -> Option<u64> {
    let data = number(abdstats, "scatter_data_size")?;
    data.checked_add(number(abdstats, "scatter_chunk_waste")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABDSTATS: &str = "\
9 1 0x01 21 5712 4711 815
name                            type data
struct_size                     4    8184
linear_cnt                      4    1000
linear_data_size                4    600000
scatter_cnt                     4    50
scatter_data_size               4    4294967296
scatter_chunk_waste             4    512
";

    #[test]
    fn pages_of_data_are_read() {
        assert_eq!(data_bytes(ABDSTATS), Some((4 << 30) + 512));
        assert_eq!(number(ABDSTATS, "linear_cnt"), Some(1000));
        assert_eq!(number(ABDSTATS, "size"), None);
        assert_eq!(data_bytes("scatter_data_size 4 1\n"), None);
    }
}
