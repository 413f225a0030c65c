//! What a sock says of itself: protocol, addresses, state and queues.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{
    layouts::SocketLayout,
    walk::{Walker, is_kernel},
};
use crate::{
    kernel::{
        bytes::{half, word},
        read_memory::ReadMemory,
        socket_names::{self, LISTEN},
    },
    model::{SocketOwner, SocketState, Walked},
};

/// What decides which queues a sock has.
pub(super) struct Sock {
    pub(super) address: u64,
    pub(super) state: u8,
    pub(super) fragment: u64,
    family: i32,
    protocol: u16,
    kind: i32,
}

impl Sock {
    /// What these bytes of a sock say; none if they are of no family.
    pub(super) fn of(layout: &SocketLayout, address: u64, bytes: &[u8]) -> Option<Self> {
        let family = i32::from(short(bytes, layout.family)?);
        Some(Self {
            address,
            family: Some(family).filter(|family| (1..=64).contains(family))?,
            state: *bytes.get(layout.state as usize)?,
            protocol: short(bytes, layout.protocol)?,
            kind: short(bytes, layout.socket_type)?.into(),
            fragment: word(bytes, layout.fragment as usize)?,
        })
    }

    const fn is_internet(&self) -> bool {
        matches!(self.family, libc::AF_INET | libc::AF_INET6)
    }

    pub(super) const fn is_unix(&self) -> bool {
        self.family == libc::AF_UNIX
    }

    pub(super) const fn is_packet(&self) -> bool {
        self.family == libc::AF_PACKET
    }

    pub(super) const fn is_xdp(&self) -> bool {
        self.family == libc::AF_XDP
    }

    pub(super) const fn is_tcp(&self) -> bool {
        self.is_internet()
            && self.kind == libc::SOCK_STREAM
            && self.protocol as i32 == libc::IPPROTO_TCP
    }

    pub(super) const fn is_udp(&self) -> bool {
        self.is_internet()
            && self.kind == libc::SOCK_DGRAM
            && matches!(
                self.protocol as i32,
                libc::IPPROTO_UDP | libc::IPPROTO_UDPLITE
            )
    }
}

/// What was found in the queues of a sock.
pub(super) struct Queues {
    pub(super) walked: Walked,
    /// Bytes of data in the first packet to be read.
    pub(super) first_bytes: u64,
}

/// What a sock says that has these queues.
pub(super) fn state<M: ReadMemory>(
    walker: &mut Walker<'_, M>,
    layout: &SocketLayout,
    sock: &Sock,
    bytes: &[u8],
    queues: &Queues,
) -> SocketState {
    let bytes_at = |at: u64| half(bytes, at as usize).map(u64::from);
    let (receive, send) = queue_lengths(walker, layout, sock, bytes, queues);
    let (local, remote) = match sock.family {
        libc::AF_INET | libc::AF_INET6 => internet_addresses(layout, sock, bytes),
        libc::AF_UNIX => (unix_address(walker, sock), None),
        libc::AF_NETLINK => (Some(socket_names::netlink(sock.protocol as u8)), None),
        _ => (None, None),
    };
    SocketState {
        protocol: socket_names::protocol(sock.family, sock.kind, sock.protocol.into()),
        state: socket_names::state(sock.state).to_owned(),
        local,
        remote,
        netns: namespace(walker, layout, bytes),
        belongs_to: owner(walker, layout, bytes),
        recv_q: Some(receive),
        send_q: Some(send),
        received_bytes: bytes_at(layout.backlog),
        receive_limit_bytes: bytes_at(layout.receive_limit),
        queued_bytes: bytes_at(layout.queued_bytes),
        send_limit_bytes: bytes_at(layout.send_limit),
        drops: bytes_at(layout.drops),
    }
}

fn owner<M: ReadMemory>(
    walker: &mut Walker<'_, M>,
    layout: &SocketLayout,
    bytes: &[u8],
) -> SocketOwner {
    match word(bytes, layout.owner as usize) {
        Some(socket) if is_kernel(socket) => match walker.memory.word(socket + layout.file) {
            Some(0) => SocketOwner::Kernel,
            _ => SocketOwner::File,
        },
        _ => SocketOwner::Nobody,
    }
}

/// Recv-Q and Send-Q, as `ss` has them.
fn queue_lengths<M: ReadMemory>(
    walker: &mut Walker<'_, M>,
    layout: &SocketLayout,
    sock: &Sock,
    bytes: &[u8],
    queues: &Queues,
) -> (u64, u64) {
    let half_at = |at: u64| half(bytes, at as usize).unwrap_or(0);
    // One reference of the count is the sock's own (`sk_wmem_alloc_get`, include/net/sock.h).
    let sent = half_at(layout.sent_bytes).saturating_sub(1).into();
    let received = half_at(layout.backlog).into();
    if sock.state == LISTEN {
        let most = half_at(layout.most_waiting).into();
        return (waiting(layout, sock, bytes, queues), most);
    }
    if sock.is_unix() {
        return (unread_of_unix(sock, queues), sent);
    }
    let Some(tcp) = walker.layouts.tcp.clone().ok().filter(|_| sock.is_tcp()) else {
        return (received, sent);
    };
    let mut at = |offset: u64| walker.memory.half(sock.address + offset).unwrap_or(0);
    let unread = at(tcp.received).wrapping_sub(at(tcp.copied));
    let unsent = at(tcp.written).wrapping_sub(at(tcp.acknowledged));
    // Numbers that were read while they changed may be the wrong way round.
    let length = |it: u32| it.cast_signed().max(0).cast_unsigned().into();
    (length(unread), length(unsent))
}

/// Connections that a listener has not accepted: of a unix socket, each is a packet in its queue.
fn waiting(layout: &SocketLayout, sock: &Sock, bytes: &[u8], queues: &Queues) -> u64 {
    if sock.is_unix() {
        return queues.walked.skbs;
    }
    half(bytes, layout.waiting as usize).unwrap_or(0).into()
}

/// All data of a stream, and the first datagram (`unix_inq_len`, net/unix/af_unix.c).
const fn unread_of_unix(sock: &Sock, queues: &Queues) -> u64 {
    match sock.kind {
        libc::SOCK_DGRAM => queues.first_bytes,
        _ => queues.walked.payload_bytes,
    }
}

fn internet_addresses(
    layout: &SocketLayout,
    sock: &Sock,
    bytes: &[u8],
) -> (Option<String>, Option<String>) {
    let address = |v4: u64, v6: u64| {
        if sock.family == libc::AF_INET {
            let bytes = bytes.get(v4 as usize..)?.first_chunk::<4>()?;
            return Some(IpAddr::V4(Ipv4Addr::from(*bytes)));
        }
        let bytes = bytes.get(v6 as usize..)?.first_chunk::<16>()?;
        Some(IpAddr::V6(Ipv6Addr::from(*bytes)))
    };
    let with_port = |ip: IpAddr, port: u16| SocketAddr::new(ip, port).to_string();
    let local_port = short(bytes, layout.local_port).unwrap_or(0);
    let remote_port = short(bytes, layout.remote_port).unwrap_or(0).swap_bytes();
    let local = address(layout.local_v4, layout.local_v6);
    let remote = address(layout.remote_v4, layout.remote_v6);
    (
        local.map(|ip| with_port(ip, local_port)),
        remote
            .filter(|ip| !ip.is_unspecified())
            .map(|ip| with_port(ip, remote_port)),
    )
}

/// The path, or the abstract name, that a unix socket is bound to.
fn unix_address<M: ReadMemory>(walker: &mut Walker<'_, M>, sock: &Sock) -> Option<String> {
    /// `sun_path` lies behind the family.
    const PATH: u64 = 2;
    /// `struct sockaddr_un`.
    const LONGEST: u32 = 110;
    let layout = *walker.layouts.unix.as_ref().ok()?;
    let bound = walker.memory.word(sock.address + layout.address)?;
    if !is_kernel(bound) {
        return None;
    }
    let len = walker.memory.half(bound + layout.name_len)?.min(LONGEST);
    let len = u64::from(len).checked_sub(PATH).filter(|&len| len > 0)?;
    let path = walker
        .memory
        .read(bound + layout.name + PATH, len as usize)?;
    Some(socket_names::unix(path))
}

/// The number of a socket's network namespace, as `/proc/PID/ns/net` has it; 0 if it cannot be read.
fn namespace<M: ReadMemory>(
    walker: &mut Walker<'_, M>,
    layout: &SocketLayout,
    bytes: &[u8],
) -> u64 {
    let namespace = word(bytes, layout.namespace as usize);
    let namespace = namespace.filter(|&it| is_kernel(it));
    let number = namespace.and_then(|it| walker.memory.half(it + layout.namespace_number));
    number.unwrap_or(0).into()
}

fn short(bytes: &[u8], at: u64) -> Option<u16> {
    let bytes = bytes.get(at as usize..)?.first_chunk()?;
    Some(u16::from_ne_bytes(*bytes))
}
