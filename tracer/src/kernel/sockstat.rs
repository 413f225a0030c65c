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
}
