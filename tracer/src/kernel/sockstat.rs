//! `/proc/net/sockstat`: what sockets have, by protocol (net/ipv4/proc.c).

/// Pages that TCP accounts for, of the whole machine: `TCP: inuse 1 orphan 0 tw 0 alloc 1 mem 3`.
pub fn tcp_pages(sockstat: &str) -> Option<u64> {
    let line = sockstat
        .lines()
        .find_map(|line| line.strip_prefix("TCP:"))?;
    let mut words = line.split_ascii_whitespace();
    words.find(|word| *word == "mem")?;
    words.next()?.parse().ok()
}

/// From how many pages on TCP saves memory, and how many it takes at most, by the three numbers of
/// `/proc/sys/net/ipv4/tcp_mem`.
pub fn tcp_limits(tcp_mem: &str) -> Option<(u64, u64)> {
    let mut pages = tcp_mem.split_ascii_whitespace().skip(1);
    let mut next = || pages.next()?.parse().ok();
    next().zip(next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_tcp_are_read() {
        let text = "\
sockets: used 13
TCP: inuse 1 orphan 0 tw 0 alloc 1 mem 156
UDP: inuse 0 mem 7
";
        assert_eq!(tcp_pages(text), Some(156));
        for text in ["", "UDP: mem 1", "TCP: mem", "TCP: mem x"] {
            assert_eq!(tcp_pages(text), None, "{text}");
        }
    }

    #[test]
    fn limits_of_tcp_are_read() {
        assert_eq!(
            tcp_limits("284430\t379241\t568860\n"),
            Some((379_241, 568_860))
        );
        assert_eq!(tcp_limits("1 2"), None);
    }
}
