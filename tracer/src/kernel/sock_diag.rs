//! `sock_diag`: sockets of every family and their memory (net/ipv4/inet_diag.c,
//! net/unix/diag.c, net/netlink/diag.c, net/packet/diag.c).
//!
//! Not by `netlink-packet-sock-diag`: it knows neither netlink sockets nor packet sockets, and
//! one reader of all families is less than its two with two more beside them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::netlink::{attributes, u32_at};

/// `SOCK_DIAG_BY_FAMILY`, the type of requests and answers.
pub const BY_FAMILY: u16 = 20;

/// Which sockets to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4 of a protocol.
    V4(Protocol),
    /// IPv6 of a protocol.
    V6(Protocol),
    /// Unix sockets.
    Unix,
    /// Netlink sockets.
    Netlink,
    /// Packet sockets, without their rings.
    Packet,
}

/// A protocol of the internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "everybody knows them")]
pub enum Protocol {
    Tcp,
    Udp,
    Raw,
}

/// One socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// What `/proc/PID/fd` calls it by; 0 if no descriptor refers to it.
    pub inode: u32,
    /// Bytes that its buffers account for: with the heads of packets, which are slab.
    pub bytes: u64,
    /// What it is and what it is connected to: `tcp 127.0.0.1:80 -> 127.0.0.1:4711`.
    pub name: String,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::V4(Protocol::Tcp),
        Self::V6(Protocol::Tcp),
        Self::V4(Protocol::Udp),
        Self::V6(Protocol::Udp),
        Self::V4(Protocol::Raw),
        Self::V6(Protocol::Raw),
        Self::Unix,
        Self::Netlink,
        Self::Packet,
    ];

    /// What its sockets are called.
    pub const fn what(self) -> &'static str {
        match self {
            Self::V4(Protocol::Tcp) | Self::V6(Protocol::Tcp) => "TCP sockets",
            Self::V4(Protocol::Udp) | Self::V6(Protocol::Udp) => "UDP sockets",
            Self::V4(Protocol::Raw) | Self::V6(Protocol::Raw) => "raw sockets",
            Self::Unix => "unix sockets",
            Self::Netlink => "netlink sockets",
            Self::Packet => "packet sockets",
        }
    }

    /// The option that a kernel which lists them was built with.
    pub const fn option(self) -> &'static str {
        match self {
            Self::V4(Protocol::Tcp) | Self::V6(Protocol::Tcp) => "CONFIG_INET_TCP_DIAG",
            Self::V4(Protocol::Udp) | Self::V6(Protocol::Udp) => "CONFIG_INET_UDP_DIAG",
            Self::V4(Protocol::Raw) | Self::V6(Protocol::Raw) => "CONFIG_INET_RAW_DIAG",
            Self::Unix => "CONFIG_UNIX_DIAG",
            Self::Netlink => "CONFIG_NETLINK_DIAG",
            Self::Packet => "CONFIG_PACKET_DIAG",
        }
    }

    /// The payload of a request for all its sockets in every state.
    pub fn request(self) -> Vec<u8> {
        match self {
            Self::V4(protocol) => inet_request(libc::AF_INET, protocol),
            Self::V6(protocol) => inet_request(libc::AF_INET6, protocol),
            // struct unix_diag_req, with UDIAG_SHOW_NAME | UDIAG_SHOW_MEMINFO.
            Self::Unix => request(libc::AF_UNIX, 0, &[u32::MAX, 0, 0x21, 0, 0]),
            // struct netlink_diag_req, with NDIAG_PROTO_ALL and NDIAG_SHOW_MEMINFO.
            Self::Netlink => request(libc::AF_NETLINK, 0xff, &[0, 1, 0, 0]),
            // struct packet_diag_req, with PACKET_SHOW_MEMINFO.
            Self::Packet => request(libc::AF_PACKET, 0, &[0, 0x10, 0, 0]),
        }
    }

    /// The socket that a message is about; none if it is cut off.
    pub fn socket(self, message: &[u8]) -> Option<Socket> {
        let layout = self.layout();
        let attributes = || message.get(layout.header..).map(attributes);
        let memory = attributes()?.find(|(kind, _)| *kind == layout.memory);
        let (_, memory) = memory?;
        let path = attributes()?.find(|(kind, _)| Some(*kind) == layout.path);
        Some(Socket {
            inode: u32_at(message, layout.inode)?,
            bytes: buffer_bytes(memory)?,
            name: self.name(message, path.map(|(_, path)| path))?,
        })
    }

    const fn layout(self) -> Layout {
        match self {
            // struct inet_diag_msg, INET_DIAG_SKMEMINFO.
            Self::V4(_) | Self::V6(_) => Layout {
                header: 72,
                inode: 68,
                memory: 7,
                path: None,
            },
            // struct unix_diag_msg, UNIX_DIAG_MEMINFO, UNIX_DIAG_NAME.
            Self::Unix => Layout {
                header: 16,
                inode: 4,
                memory: 5,
                path: Some(0),
            },
            // struct netlink_diag_msg, NETLINK_DIAG_MEMINFO.
            Self::Netlink => Layout {
                header: 28,
                inode: 16,
                memory: 0,
                path: None,
            },
            // struct packet_diag_msg, PACKET_DIAG_MEMINFO.
            Self::Packet => Layout {
                header: 16,
                inode: 4,
                memory: 6,
                path: None,
            },
        }
    }

    fn name(self, message: &[u8], path: Option<&[u8]>) -> Option<String> {
        Some(match self {
            Self::V4(protocol) | Self::V6(protocol) => {
                let (local, remote) = (address(message, 4, 8)?, address(message, 6, 24)?);
                let protocol = protocol.name();
                if remote.port() == 0 {
                    format!("{protocol} {local}")
                } else {
                    format!("{protocol} {local} -> {remote}")
                }
            }
            Self::Unix => match path {
                Some(path) => format!("unix {}", unix_name(path)),
                None => "unix".to_owned(),
            },
            Self::Netlink => format!("netlink {}", netlink_protocol(*message.get(2)?)),
            Self::Packet => "packet".to_owned(),
        })
    }
}

/// Where a family's messages have what.
struct Layout {
    /// Bytes of the header; attributes follow.
    header: usize,
    inode: usize,
    /// The attribute that holds `struct sk_meminfo`.
    memory: u16,
    /// The attribute that holds a path.
    path: Option<u16>,
}

impl Protocol {
    const fn number(self) -> u8 {
        (match self {
            Self::Tcp => libc::IPPROTO_TCP,
            Self::Udp => libc::IPPROTO_UDP,
            Self::Raw => libc::IPPROTO_RAW,
        }) as u8
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Raw => "raw",
        }
    }
}

/// A `struct inet_diag_req_v2` for any socket, with INET_DIAG_SKMEMINFO.
fn inet_request(family: i32, protocol: Protocol) -> Vec<u8> {
    const MEMORY: u8 = 1 << (7 - 1);
    let mut request = vec![family as u8, protocol.number(), MEMORY, 0];
    request.extend(u32::MAX.to_ne_bytes());
    // struct inet_diag_sockid.
    request.resize(56, 0);
    request
}

fn request(family: i32, protocol: u8, words: &[u32]) -> Vec<u8> {
    let mut request = vec![family as u8, protocol, 0, 0];
    request.extend(words.iter().flat_map(|word| word.to_ne_bytes()));
    request
}

/// What a socket's `struct sk_meminfo` says that it holds: packets to be read and to be sent,
/// what it has reserved for more, and its options (`sk_get_meminfo`, net/core/sock.c). For TCP
/// what is to be sent is SK_MEMINFO_WMEM_QUEUED, of which SK_MEMINFO_WMEM_ALLOC is a part.
fn buffer_bytes(memory: &[u8]) -> Option<u64> {
    let word = |index: usize| u32_at(memory, index * 4);
    let (received, sent, reserved) = (word(0)?, word(2)?, word(4)?);
    let (queued, options, backlog) = (word(5)?, word(6)?, word(7).unwrap_or(0));
    // The kernel's number is signed, and for a moment it may be below 0.
    let reserved = reserved.cast_signed().max(0).cast_unsigned();
    let bytes = [received, sent.max(queued), reserved, options, backlog];
    Some(bytes.into_iter().map(u64::from).sum())
}

/// An address of a `struct inet_diag_msg`, whose numbers here are in the network's byte order.
fn address(message: &[u8], port: usize, ip: usize) -> Option<SocketAddr> {
    let family = i32::from(*message.first()?);
    let port = u16::from_be_bytes(*message.get(port..)?.first_chunk()?);
    let bytes = message.get(ip..)?;
    let ip = if family == libc::AF_INET {
        IpAddr::V4(Ipv4Addr::from(*bytes.first_chunk::<4>()?))
    } else {
        IpAddr::V6(Ipv6Addr::from(*bytes.first_chunk::<16>()?))
    };
    Some(SocketAddr::new(ip, port))
}

/// A path, which may end with a 0, or a name that begins with one: shown as `@name`.
pub(super) fn unix_name(path: &[u8]) -> String {
    match path.strip_prefix(&[0]) {
        Some(name) => format!("@{}", String::from_utf8_lossy(name)),
        None => {
            let path = path.split(|byte| *byte == 0).next().unwrap_or_default();
            String::from_utf8_lossy(path).into_owned()
        }
    }
}

/// The protocols that are known for queues (include/uapi/linux/netlink.h).
pub(super) fn netlink_protocol(number: u8) -> String {
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
#[path = "sock_diag/tests.rs"]
mod tests;
