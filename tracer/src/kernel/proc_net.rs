//! `/proc/net/tcp` and the like: sockets of one protocol in a network namespace, where `sock_diag` does
//! not list them (`get_tcp4_sock`, net/ipv4/tcp_ipv4.c; `udp4_format_sock`, net/ipv4/udp.c;
//! `__ip6_dgram_sock_seq_show`, net/ipv6/datagram.c; `unix_seq_show`; `packet_seq_show`;
//! `netlink_seq_show`).
//!
//! Not by `procfs`, which knows TCP, UDP and unix sockets and no drops, and gives up on a file for one
//! line that it does not understand.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{
    sock_diag::KERNEL_PORT,
    socket_names::{self, LISTEN},
};
use crate::model::{SocketOwner, SocketState};

/// A file of sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name in `/proc/net`.
    pub name: &'static str,
    family: i32,
    kind: i32,
    protocol: i32,
}

/// One socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// What `/proc/PID/fd` calls it by; 0 if no descriptor refers to it.
    pub inode: u64,
    /// What it is, and its queues, but for its network namespace.
    pub state: SocketState,
}

const fn internet(name: &'static str, family: i32, kind: i32, protocol: i32) -> Table {
    Table {
        name,
        family,
        kind,
        protocol,
    }
}

impl Table {
    /// IPv4 and IPv6 over TCP.
    pub const TCP: [Self; 2] = [
        internet("tcp", libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_TCP),
        internet("tcp6", libc::AF_INET6, libc::SOCK_STREAM, libc::IPPROTO_TCP),
    ];
    /// Over UDP.
    pub const UDP: [Self; 2] = [
        internet("udp", libc::AF_INET, libc::SOCK_DGRAM, libc::IPPROTO_UDP),
        internet("udp6", libc::AF_INET6, libc::SOCK_DGRAM, libc::IPPROTO_UDP),
    ];
    /// Over nothing.
    pub const RAW: [Self; 2] = [
        internet("raw", libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_RAW),
        internet("raw6", libc::AF_INET6, libc::SOCK_RAW, libc::IPPROTO_RAW),
    ];
    /// What `sock_diag` is not asked for.
    pub const OTHERS: [Self; 4] = [
        internet("icmp", libc::AF_INET, libc::SOCK_DGRAM, libc::IPPROTO_ICMP),
        internet(
            "icmp6",
            libc::AF_INET6,
            libc::SOCK_DGRAM,
            libc::IPPROTO_ICMPV6,
        ),
        internet(
            "udplite",
            libc::AF_INET,
            libc::SOCK_DGRAM,
            libc::IPPROTO_UDPLITE,
        ),
        internet(
            "udplite6",
            libc::AF_INET6,
            libc::SOCK_DGRAM,
            libc::IPPROTO_UDPLITE,
        ),
    ];
    /// Unix sockets, whose queues are not in it.
    pub const UNIX: Self = internet("unix", libc::AF_UNIX, 0, 0);
    /// Netlink sockets.
    pub const NETLINK: Self = internet("netlink", libc::AF_NETLINK, 0, 0);
    /// Packet sockets, without their rings.
    pub const PACKET: Self = internet("packet", libc::AF_PACKET, 0, 0);

    /// The sockets in this text. Lines that are cut off are left out, and connections that wait for their
    /// end or their beginning (TIME-WAIT, SYN-RECV), which are no sockets.
    pub fn sockets(self, text: &str) -> impl Iterator<Item = Listed> {
        // Not by `lines`: a path may end in a carriage return.
        let lines = text.split_terminator('\n').skip(1);
        lines.filter_map(move |line| match self.family {
            libc::AF_UNIX => unix(line),
            libc::AF_NETLINK => netlink(line),
            libc::AF_PACKET => packet(line),
            _ => self.of_internet(line),
        })
    }

    /// `sl local remote st tx:rx tr:when retrnsmt uid timeout inode`, and at the end of what is not TCP,
    /// `ref pointer drops`.
    fn of_internet(self, line: &str) -> Option<Listed> {
        const GONE: [u8; 3] = [3, 6, 12];
        let words: Vec<_> = line.split_ascii_whitespace().collect();
        let word = |at: usize| words.get(at).copied();
        let state = u8::from_str_radix(word(3)?, 16).ok()?;
        if GONE.contains(&state) {
            return None;
        }
        let remote = address(word(2)?)?;
        let (send, receive) = word(4)?.split_once(':')?;
        let is_tcp = self.protocol == libc::IPPROTO_TCP;
        let (receive, send) = (hexadecimal(receive)?, hexadecimal(send)?);
        let received = (!is_tcp).then_some(receive);
        Some(Listed {
            inode: word(9)?.parse().ok()?,
            state: SocketState {
                state: socket_names::state(state).to_owned(),
                local: Some(address(word(1)?)?.to_string()),
                remote: (!remote.ip().is_unspecified()).then(|| remote.to_string()),
                recv_q: Some(receive),
                // Of a listener, the kernel does not say here how many may wait.
                send_q: (state != LISTEN).then_some(send),
                received_bytes: received,
                drops: word(12).filter(|_| !is_tcp).and_then(|it| it.parse().ok()),
                ..unknown(socket_names::protocol(
                    self.family,
                    self.kind,
                    self.protocol,
                ))
            },
        })
    }
}

/// A socket of which nothing is known but its protocol.
fn unknown(protocol: String) -> SocketState {
    SocketState {
        protocol,
        state: socket_names::state(7).to_owned(),
        belongs_to: SocketOwner::Unknown,
        ..SocketState::default()
    }
}

/// `Num: RefCount Protocol Flags Type St Inode Path`.
fn unix(line: &str) -> Option<Listed> {
    /// `__SO_ACCEPTCON`, and `SS_CONNECTED` (include/uapi/linux/net.h).
    const LISTENS: u64 = 1 << 16;
    const CONNECTED: u64 = 3;
    let mut rest = line;
    let mut word = || {
        let (word, after) = rest
            .trim_start()
            .split_once(' ')
            .unwrap_or((rest.trim_start(), ""));
        rest = after;
        word
    };
    let [_, _, _, flags, kind, state, inode] = std::array::from_fn(|_| word());
    let (flags, kind, state) = (hexadecimal(flags)?, hexadecimal(kind)?, hexadecimal(state)?);
    let state = match (flags & LISTENS, state) {
        (0, CONNECTED) => 1,
        (0, _) => 7,
        _ => LISTEN,
    };
    let protocol = socket_names::protocol(libc::AF_UNIX, i32::try_from(kind).ok()?, 0);
    Some(Listed {
        inode: inode.parse().ok()?,
        state: SocketState {
            state: socket_names::state(state).to_owned(),
            local: (!rest.is_empty()).then(|| rest.to_owned()),
            ..unknown(protocol)
        },
    })
}

/// `sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode`; none of the kernel's end.
fn netlink(line: &str) -> Option<Listed> {
    let words: Vec<_> = line.split_ascii_whitespace().collect();
    let number = |at: usize| words.get(at)?.parse::<u64>().ok();
    let protocol = u8::try_from(number(1)?).ok()?;
    if number(2)? == u64::from(KERNEL_PORT) {
        return None;
    }
    Some(Listed {
        inode: number(9)?,
        state: SocketState {
            local: Some(socket_names::netlink(protocol)),
            recv_q: number(4),
            send_q: number(5),
            received_bytes: number(4),
            drops: number(8),
            ..unknown(socket_names::protocol(libc::AF_NETLINK, 0, 0))
        },
    })
}

/// `sk RefCnt Type Proto Iface R Rmem User Inode`.
fn packet(line: &str) -> Option<Listed> {
    let words: Vec<_> = line.split_ascii_whitespace().collect();
    let number = |at: usize| words.get(at)?.parse::<u64>().ok();
    Some(Listed {
        inode: number(8)?,
        state: SocketState {
            recv_q: number(6),
            received_bytes: number(6),
            ..unknown(socket_names::protocol(libc::AF_PACKET, 0, 0))
        },
    })
}

fn hexadecimal(digits: &str) -> Option<u64> {
    u64::from_str_radix(digits, 16).ok()
}

/// `0100007F:1F90`: words of four bytes in the machine's order, as numbers, and the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| {
        let digits = ip.get(at * 8..at * 8 + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    let ip = match ip.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let mut bytes = [0; 16];
            for (at, four) in bytes.chunks_exact_mut(4).enumerate() {
                four.copy_from_slice(&word(at)?);
            }
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
#[path = "proc_net_tests.rs"]
mod tests;
