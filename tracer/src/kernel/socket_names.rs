//! What sockets, their states and their addresses are called, whoever lists them.

/// `TCP_LISTEN` (include/net/tcp_states.h), of unix sockets as well.
pub(super) const LISTEN: u8 = 10;

/// What a socket of this family, type and protocol is called.
pub(super) fn protocol(family: i32, kind: i32, protocol: i32) -> String {
    let name = match (family, kind) {
        (libc::AF_UNIX, libc::SOCK_STREAM) => "unix-stream",
        (libc::AF_UNIX, libc::SOCK_DGRAM) => "unix-dgram",
        (libc::AF_UNIX, _) => "unix-seqpacket",
        (libc::AF_NETLINK, _) => "netlink",
        (libc::AF_PACKET, _) => "packet",
        (libc::AF_VSOCK, _) => "vsock",
        (libc::AF_ALG, _) => "alg",
        (libc::AF_XDP, _) => "xdp",
        (libc::AF_INET | libc::AF_INET6, _) => return internet(family, kind, protocol),
        (family, _) => return format!("family {family}"),
    };
    name.to_owned()
}

fn internet(family: i32, kind: i32, protocol: i32) -> String {
    let name = match (kind, protocol) {
        (libc::SOCK_RAW, _) => "raw",
        (_, libc::IPPROTO_TCP) => "tcp",
        (_, libc::IPPROTO_UDP) => "udp",
        (_, libc::IPPROTO_UDPLITE) => "udplite",
        (_, libc::IPPROTO_ICMP | libc::IPPROTO_ICMPV6) => "icmp",
        (_, libc::IPPROTO_SCTP) => "sctp",
        (_, libc::IPPROTO_MPTCP) => "mptcp",
        _ => "ip",
    };
    let version = if family == libc::AF_INET6 { "6" } else { "" };
    format!("{name}{version}")
}

/// A state, as `ss` calls it.
pub(super) const fn state(state: u8) -> &'static str {
    match state {
        1 => "ESTAB",
        2 => "SYN-SENT",
        3 => "SYN-RECV",
        4 => "FIN-WAIT-1",
        5 => "FIN-WAIT-2",
        6 => "TIME-WAIT",
        7 => "UNCONN",
        8 => "CLOSE-WAIT",
        9 => "LAST-ACK",
        LISTEN => "LISTEN",
        11 => "CLOSING",
        _ => "UNKNOWN",
    }
}

/// A path, which may end with a 0, or a name that begins with one: shown as `@name`.
pub(super) fn unix(path: &[u8]) -> String {
    match path.strip_prefix(&[0]) {
        Some(name) => format!("@{}", String::from_utf8_lossy(name)),
        None => {
            let path = path.split(|byte| *byte == 0).next().unwrap_or_default();
            String::from_utf8_lossy(path).into_owned()
        }
    }
}

/// The protocols that are known for queues (include/uapi/linux/netlink.h).
pub(super) fn netlink(number: u8) -> String {
    let name = match number {
        0 => "route",
        4 => "sock_diag",
        5 => "nflog",
        6 => "xfrm",
        9 => "audit",
        11 => "connector",
        12 => "netfilter",
        15 => "uevent",
        16 => "generic",
        _ => return number.to_string(),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unix_name_need_not_be_text() {
        assert_eq!(unix(b"/run/x\0"), "/run/x");
        assert_eq!(unix(b"\0a\xff"), "@a\u{fffd}");
        assert_eq!(unix(b""), "");
    }

    #[test]
    fn versions_and_types_have_names_of_their_own() {
        let raw = protocol(libc::AF_INET6, libc::SOCK_RAW, libc::IPPROTO_ICMPV6);
        let ping = protocol(libc::AF_INET, libc::SOCK_DGRAM, libc::IPPROTO_ICMP);
        let unix = protocol(libc::AF_UNIX, libc::SOCK_DGRAM, 0);
        assert_eq!((raw.as_str(), ping.as_str()), ("raw6", "icmp"));
        assert_eq!(
            (unix.as_str(), protocol(63, 1, 0).as_str()),
            ("unix-dgram", "family 63")
        );
    }
}
