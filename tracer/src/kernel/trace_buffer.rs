//! `buffer_total_size_kb` in a folder of tracefs: the ring buffers of all CPUs together
//! (kernel/trace/trace.c, `tracing_total_entries_read`).

/// Bytes that they have now: `1408`, or `8 (expanded: 5632)` as long as nobody has traced.
pub fn bytes(total_size_kb: &str) -> Option<u64> {
    let kib = total_size_kb.split_ascii_whitespace().next()?;
    kib.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn what_there_is_counts_and_not_what_there_would_be() {
        assert_eq!(bytes("1408\n"), Some(1408 << 10));
        assert_eq!(bytes("8 (expanded: 5632)\n"), Some(8 << 10));
        assert_eq!(bytes("x\n"), None);
    }
}
