//! ICMPv6 messages that nobody reads.

use std::{
    io, iter,
    net::{Ipv6Addr, SocketAddrV6},
    os::fd::{AsRawFd as _, OwnedFd},
};

use rustix::net::{
    AddressFamily, SendFlags, SocketFlags, SocketType, ipproto, sendto, socket_with,
    sockopt::set_socket_recv_buffer_size_force,
};

use super::BUFFER;
use crate::leaks::own_network;

/// Bytes of one echo: many pages, and not too many for a packet.
pub(super) const ECHO: usize = 20_000;
/// Bytes of one advertisement, without options but for padding.
pub(super) const ADVERTISEMENT: usize = 40;

/// Types of messages: RFC 4443 and 4861.
const ECHO_REQUEST: u8 = 128;
const ECHO_REPLY: u8 = 129;
const ROUTER_ADVERTISEMENT: u8 = 134;
const FOR_EXPERIMENTS: u8 = 200;

/// A raw socket of ICMPv6, as `netstat` shows it as `raw6 :::58`.
pub(super) fn socket() -> io::Result<OwnedFd> {
    let protocol = Some(ipproto::ICMPV6);
    let (family, kind) = (AddressFamily::INET6, SocketType::RAW);
    Ok(socket_with(family, kind, SocketFlags::CLOEXEC, protocol)?)
}

/// A socket that has asked itself for echoes, and has the replies.
pub(super) fn ask(count: usize) -> io::Result<OwnedFd> {
    own_network::enter()?;
    let socket = socket_for(ECHO_REPLY)?;
    let request = message(ECHO_REQUEST, ECHO);
    for _ in 0..count {
        send(&socket, &request, SendFlags::empty())?;
    }
    Ok(socket)
}

/// A socket with advertisements, each in a block of its own.
///
/// What is appended to a message that is not sent yet lies in the block that the task takes data for
/// sockets from. A longer message, which nobody wants, uses up the rest of the block in the same way.
pub(super) fn advertise(count: usize) -> io::Result<OwnedFd> {
    const HEADER: usize = 8;
    const BLOCK: usize = 32 << 10;
    own_network::enter()?;
    let socket = socket_for(ROUTER_ADVERTISEMENT)?;
    let advertisement = message(ROUTER_ADVERTISEMENT, ADVERTISEMENT);
    let unwanted = message(FOR_EXPERIMENTS, BLOCK);
    let messages = [&advertisement, &unwanted];
    for message in iter::repeat_n(messages, count).flatten() {
        let (header, rest) = message.split_at(HEADER);
        send(&socket, header, SendFlags::MORE)?;
        send(&socket, rest, SendFlags::empty())?;
    }
    Ok(socket)
}

/// The kernel adds the checksum (RFC 3542).
fn message(kind: u8, bytes: usize) -> Vec<u8> {
    let mut message = vec![0; bytes];
    message[0] = kind;
    message
}

fn send(socket: &OwnedFd, message: &[u8], flags: SendFlags) -> io::Result<()> {
    let to = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 0, 0, 0);
    sendto(socket, message, flags, &to)?;
    Ok(())
}

/// A socket with room for many messages of this type and for no others.
fn socket_for(kind: u8) -> io::Result<OwnedFd> {
    /// `ICMPV6_FILTER` of include/uapi/linux/icmpv6.h: a bit for each type that is left out.
    const FILTER: libc::c_int = 1;
    let socket = socket()?;
    set_socket_recv_buffer_size_force(&socket, BUFFER)?;
    let mut left_out = [u32::MAX; 8];
    left_out[usize::from(kind / 32)] &= !(1 << (kind % 32));
    // SAFETY: the kernel only reads the words, as many as it is told.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_ICMPV6,
            FILTER,
            left_out.as_ptr().cast(),
            size_of_val(&left_out) as u32,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(socket)
}
