//! `sock_diag`: sockets of every family and their memory (net/ipv4/inet_diag.c,
//! net/unix/diag.c, net/netlink/diag.c, net/packet/diag.c).
//!
//! Not by `netlink-packet-sock-diag`: it knows neither netlink sockets nor packet sockets, and
//! one reader of all families is less than its two with two more beside them.

mod layout;
mod memory;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

pub use self::memory::Memory;
use super::{
    netlink::{attributes, u32_at},
    socket_names,
};
use crate::model::{SocketOwner, SocketState};

/// `SOCK_DIAG_BY_FAMILY`, the type of requests and answers.
pub const BY_FAMILY: u16 = 20;

/// The port of the kernel's end of netlink, which has in its queue what it answers just now.
pub(super) const KERNEL_PORT: u32 = 0;
/// The attribute `UNIX_DIAG_RQLEN`.
const RQLEN: u16 = 4;

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
    /// What its buffers account for.
    pub memory: Memory,
    /// What it is, what it is connected to, and its queues, but for its network namespace: that of whoever
    /// asked.
    pub state: SocketState,
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
            // struct unix_diag_req, with UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN | UDIAG_SHOW_MEMINFO.
            Self::Unix => request(libc::AF_UNIX, 0, &[u32::MAX, 0, 0x31, 0, 0]),
            // struct netlink_diag_req, with NDIAG_PROTO_ALL and NDIAG_SHOW_MEMINFO.
            Self::Netlink => request(libc::AF_NETLINK, 0xff, &[0, 1, 0, 0]),
            // struct packet_diag_req, with PACKET_SHOW_MEMINFO.
            Self::Packet => request(libc::AF_PACKET, 0, &[0, 0x10, 0, 0]),
        }
    }

    /// The socket that a message is about; none if it is cut off, or of a connection that waits for its
    /// end (TIME-WAIT), which is no socket any more, or of the kernel's end of netlink.
    pub fn socket(self, message: &[u8]) -> Option<Socket> {
        let layout = self.layout();
        if self == Self::Netlink && u32_at(message, 4)? == KERNEL_PORT {
            return None;
        }
        let attribute = |kind: u16| {
            let mut all = attributes(message.get(layout.header..)?);
            all.find(|it| it.0 == kind).map(|it| it.1)
        };
        let memory = Memory::of(attribute(layout.memory)?)?;
        let (local, remote) = self.addresses(message, layout.path.and_then(attribute))?;
        let (recv_q, send_q) = self.queue_lengths(message, memory, attribute(RQLEN));
        Some(Socket {
            inode: u32_at(message, layout.inode)?,
            memory,
            state: SocketState {
                protocol: self.protocol(*message.get(1)?),
                state: socket_names::state(layout.state(message)?).to_owned(),
                local,
                remote,
                netns: 0,
                belongs_to: SocketOwner::Unknown,
                recv_q,
                send_q,
                received_bytes: Some(memory.received),
                receive_limit_bytes: Some(memory.receive_limit),
                queued_bytes: Some(memory.queued),
                send_limit_bytes: Some(memory.send_limit),
                drops: memory.drops,
            },
        })
    }

    /// What a socket of this family is called; of one that is not of the internet, by its type.
    fn protocol(self, kind: u8) -> String {
        let (family, kind, protocol) = match self {
            Self::V4(protocol) => (libc::AF_INET, protocol.kind(), protocol.number()),
            Self::V6(protocol) => (libc::AF_INET6, protocol.kind(), protocol.number()),
            Self::Unix => (libc::AF_UNIX, kind.into(), 0),
            Self::Netlink => (libc::AF_NETLINK, kind.into(), 0),
            Self::Packet => (libc::AF_PACKET, kind.into(), 0),
        };
        socket_names::protocol(family, kind, protocol.into())
    }

    /// Recv-Q and Send-Q, as `ss` has them.
    fn queue_lengths(
        self,
        message: &[u8],
        memory: Memory,
        unix: Option<&[u8]>,
    ) -> (Option<u64>, Option<u64>) {
        let two = |bytes: &[u8], at: usize| {
            let number = |at: usize| u32_at(bytes, at).map(u64::from);
            (number(at), number(at + 4))
        };
        match self {
            // idiag_rqueue and idiag_wqueue.
            Self::V4(_) | Self::V6(_) => two(message, 56),
            // struct unix_diag_rqlen.
            Self::Unix => unix.map_or((None, None), |it| two(it, 0)),
            Self::Netlink | Self::Packet => (Some(memory.received), Some(memory.sent)),
        }
    }

    fn addresses(
        self,
        message: &[u8],
        path: Option<&[u8]>,
    ) -> Option<(Option<String>, Option<String>)> {
        Some(match self {
            Self::V4(_) | Self::V6(_) => {
                let (local, remote) = (address(message, 4, 8)?, address(message, 6, 24)?);
                let remote = Some(remote).filter(|it| !it.ip().is_unspecified());
                (Some(local.to_string()), remote.map(|it| it.to_string()))
            }
            Self::Unix => (path.map(socket_names::unix), None),
            Self::Netlink => (Some(socket_names::netlink(*message.get(2)?)), None),
            Self::Packet => (None, None),
        })
    }
}

impl Protocol {
    const fn number(self) -> u8 {
        (match self {
            Self::Tcp => libc::IPPROTO_TCP,
            Self::Udp => libc::IPPROTO_UDP,
            Self::Raw => libc::IPPROTO_RAW,
        }) as u8
    }

    const fn kind(self) -> i32 {
        match self {
            Self::Tcp => libc::SOCK_STREAM,
            Self::Udp => libc::SOCK_DGRAM,
            Self::Raw => libc::SOCK_RAW,
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

#[cfg(test)]
#[path = "sock_diag/tests.rs"]
mod tests;
