//! Sockets: their queues, and those that no file leads to.

use std::collections::BTreeSet;

use super::{
    layouts::SocketLayout,
    packets,
    queues::{self, Queue},
    rings,
    socket_state::{self, Queues, Sock},
    walk::{Walker, is_kernel},
    xdp,
};
use crate::{
    kernel::{
        bytes::{half, word},
        read_memory::ReadMemory,
        socket_names::LISTEN,
    },
    model::{FoundSocket, Holding, ObjectKind, Walked, Weight},
};

/// Caches of socks, by the names that protocols give them.
const CACHES: [&str; 14] = [
    "TCP",
    "TCPv6",
    "UDP",
    "UDPv6",
    "UDP-Lite",
    "UDPLITEv6",
    "RAW",
    "RAWv6",
    "PING",
    "PINGv6",
    "UNIX",
    "UNIX-STREAM",
    "PACKET",
    "MPTCP",
];

/// The socket that a file refers to; none of one that is being closed.
pub(super) fn of_file<M: ReadMemory>(walker: &mut Walker<'_, M>, socket: u64) -> Option<u32> {
    let at = walker.layouts.socket.as_ref().ok()?.sock;
    let sock = walker.memory.word(socket + at)?;
    of_sock(walker, sock)
}

/// The place of a sock's object, which is followed if it was not yet.
fn of_sock<M: ReadMemory>(walker: &mut Walker<'_, M>, address: u64) -> Option<u32> {
    if let Some(&place) = walker.by_address.get(&address) {
        return Some(place);
    }
    let layout = *walker.layouts.socket.as_ref().ok()?;
    if !is_kernel(address) {
        return None;
    }
    let bytes = walker.memory.read(address, layout.size as usize)?.to_vec();
    let sock = Sock::of(&layout, address, &bytes)?;
    let place = walker.add(ObjectKind::Socket, address);
    walker.by_address.insert(address, place);
    let queues = follow(walker, place, &sock);
    let state = socket_state::state(walker, &layout, &sock, &bytes, &queues);
    let walked = queues.walked;
    let object = walker.object(place);
    object.payload_bytes += walked.payload_bytes;
    object.socket = Some(Box::new(FoundSocket { state, walked }));
    Some(place)
}

/// What a socket's queues, its fragment and its rings hold.
fn follow<M: ReadMemory>(walker: &mut Walker<'_, M>, place: u32, sock: &Sock) -> Queues {
    let mut walked = Walked::default();
    let mut first_bytes = None;
    if sock.fragment != 0 {
        walker.refer(place, sock.fragment, Weight::Each);
    }
    for queue in queues(walker, sock) {
        walked.truncated |= !queue.is_whole;
        let found = packets::hold(walker, place, &queue.packets, &mut walked);
        let first = found.first().map_or(0, |packet| packet.len);
        // That to be read comes first.
        first_bytes.get_or_insert(u64::from(first));
        if sock.is_unix() {
            files(walker, place, &found);
            if sock.state == LISTEN {
                not_accepted(walker, place, found.iter().map(|packet| packet.sock));
            }
        }
    }
    if sock.is_tcp() && sock.state == LISTEN {
        let waiting = waiting(walker, sock.address);
        not_accepted(walker, place, waiting.into_iter());
    }
    if sock.is_packet() && rings::packet(walker, place, sock.address) {
        walker.object(place).kind = ObjectKind::PacketRing;
    }
    if sock.is_xdp() {
        xdp::hold(walker, place, sock.address);
    }
    Queues {
        walked,
        first_bytes: first_bytes.unwrap_or(0),
    }
}

/// Adds what a sock's queues and its fragment have that is in no family: of a device's file.
pub(super) fn hold_queues<M: ReadMemory>(walker: &mut Walker<'_, M>, place: u32, sock: u64) {
    let Ok(layout) = walker.layouts.socket else {
        return;
    };
    let fragment = walker.memory.word(sock + layout.fragment).unwrap_or(0);
    if fragment != 0 {
        walker.refer(place, fragment, Weight::Each);
    }
    let mut walked = Walked::default();
    for queue in common_queues(walker, &layout, sock) {
        packets::hold(walker, place, &queue.packets, &mut walked);
    }
    walker.object(place).payload_bytes += walked.payload_bytes;
}

/// The queues that every sock has.
fn common_queues<M: ReadMemory>(
    walker: &mut Walker<'_, M>,
    layout: &SocketLayout,
    sock: u64,
) -> Vec<Queue> {
    /// Where a backlog has its first packet: behind a counter and a length (include/net/sock.h).
    const FIRST_OF_BACKLOG: u64 = 8;
    let backlog = walker.memory.word(sock + layout.backlog + FIRST_OF_BACKLOG);
    vec![
        queues::list(walker, sock + layout.receive_queue),
        queues::list(walker, sock + layout.error_queue),
        queues::list(walker, sock + layout.write_queue),
        queues::chain(walker, backlog.unwrap_or(0)),
    ]
}

/// All queues that a socket of its protocol has.
fn queues<M: ReadMemory>(walker: &mut Walker<'_, M>, sock: &Sock) -> Vec<Queue> {
    let Ok(layout) = walker.layouts.socket else {
        return Vec::new();
    };
    let at = |offset: u64| sock.address + offset;
    let mut found = common_queues(walker, &layout, sock.address);
    if let Ok(tcp) = walker.layouts.tcp
        && sock.is_tcp()
        && sock.state != LISTEN
    {
        found.push(queues::tree(walker, at(tcp.unordered)));
        found.push(queues::tree(walker, at(tcp.unacknowledged)));
    }
    if let Ok(udp) = walker.layouts.udp
        && sock.is_udp()
    {
        found.push(queues::list(walker, at(udp)));
    }
    found
}

/// Files that were sent with these packets and wait to be received.
fn files<M: ReadMemory>(walker: &mut Walker<'_, M>, place: u32, packets: &[packets::Packet]) {
    /// `SCM_MAX_FD` of include/net/scm.h.
    const MOST: u32 = 253;
    let Ok(layout) = walker.layouts.unix else {
        return;
    };
    for packet in packets {
        let list = walker.memory.word(packet.control + layout.files);
        let Some(list) = list.filter(|&list| is_kernel(list)) else {
            continue;
        };
        let count = walker.memory.half(list + layout.count).unwrap_or(0) & 0xffff;
        for i in 0..u64::from(count.min(MOST)) {
            let file = walker.memory.word(list + layout.list + i * 8);
            let file = file.filter(|&file| is_kernel(file));
            walker.in_flight.extend(file.map(|file| (file, place)));
        }
    }
}

/// The socks of connections that a TCP listener has not accepted.
fn waiting<M: ReadMemory>(walker: &mut Walker<'_, M>, listener: u64) -> Vec<u64> {
    /// `net.core.somaxconn` is at most this.
    const MOST: usize = 1 << 20;
    let Ok(layout) = walker.layouts.tcp else {
        return Vec::new();
    };
    let mut socks = Vec::new();
    let mut next = walker
        .memory
        .word(listener + layout.accept_head)
        .unwrap_or(0);
    while is_kernel(next) && socks.len() < MOST {
        socks.extend(walker.memory.word(next + layout.request_sock));
        next = walker.memory.word(next + layout.next_request).unwrap_or(0);
    }
    socks
}

fn not_accepted<M: ReadMemory>(
    walker: &mut Walker<'_, M>,
    listener: u32,
    socks: impl Iterator<Item = u64>,
) {
    for sock in socks {
        if let Some(place) = of_sock(walker, sock) {
            walker.object(place).holding = Holding::NotAccepted(listener);
        }
    }
}

/// Follows the socks in the caches of protocols that nothing has led to: those of connections whose
/// process has closed them, and the kernel's own.
pub(super) fn without_file<M: ReadMemory>(walker: &mut Walker<'_, M>) {
    let Ok(layout) = walker.layouts.socket else {
        return;
    };
    let caches: BTreeSet<_> = CACHES
        .iter()
        .filter_map(|name| walker.caches.get(*name).copied())
        .collect();
    for cache in caches {
        let mut socks = Vec::new();
        walker.each_object(cache, |address, bytes| {
            let references = half(bytes, layout.references as usize);
            let protocol = word(bytes, layout.protocol_operations as usize);
            if references.is_some_and(|it| it > 0 && it < 1 << 30) {
                socks.extend(protocol.map(|protocol| (address, protocol)));
            }
        });
        for (sock, protocol) in socks {
            let is_one =
                is_kernel(protocol) && walker.memory.word(protocol + layout.cache) == Some(cache);
            if is_one {
                of_sock(walker, sock);
            }
        }
    }
}
