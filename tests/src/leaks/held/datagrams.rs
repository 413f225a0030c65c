//! Datagrams that nobody reads.

use std::{
    io,
    net::{Ipv4Addr, UdpSocket},
};

use rustix::net::sockopt::set_socket_recv_buffer_size_force;

use super::BUFFER;
use crate::leaks::own_network;

/// Of each datagram: more than the kernel takes from a slab (`SKB_MAX_ALLOC`).
pub(super) const BYTES: usize = 32_000;

/// A socket with that many datagrams, and their sender.
pub(super) fn send(count: usize) -> io::Result<(UdpSocket, UdpSocket)> {
    own_network::enter()?;
    let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
    let (sender, receiver) = (bind()?, bind()?);
    set_socket_recv_buffer_size_force(&receiver, BUFFER)?;
    sender.connect(receiver.local_addr()?)?;
    for _ in 0..count {
        sender.send(&[0xa5; BYTES])?;
    }
    Ok((receiver, sender))
}
