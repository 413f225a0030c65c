//! Datagrams that nobody reads.

use std::{
    io,
    net::{Ipv4Addr, UdpSocket},
};

use rustix::net::{SendFlags, send as send_part, sockopt::set_socket_recv_buffer_size_force};

use super::BUFFER;
use crate::leaks::own_network;

/// Of each datagram.
pub(super) const BYTES: usize = 32_000;

/// A socket with that many datagrams, and their sender.
///
/// What is sent at once is in one piece if it is less than four page frames (`SKB_MAX_ALLOC`), and a
/// piece of up to two lies in a slab. What is appended to a datagram that is not sent yet lies in pages.
pub(super) fn send(count: usize) -> io::Result<(UdpSocket, UdpSocket)> {
    own_network::enter()?;
    let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
    let (sender, receiver) = (bind()?, bind()?);
    set_socket_recv_buffer_size_force(&receiver, BUFFER)?;
    sender.connect(receiver.local_addr()?)?;
    let datagram = [0xa5; BYTES];
    let (first, rest) = datagram.split_at(8);
    for _ in 0..count {
        send_part(&sender, first, SendFlags::MORE)?;
        send_part(&sender, rest, SendFlags::empty())?;
    }
    Ok((receiver, sender))
}
