//! A TCP connection on loopback.

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
};

use rustix::net::sockopt::{set_socket_recv_buffer_size_force, set_socket_send_buffer_size_force};

use super::Workload;
use crate::leaks::own_network;

/// Many times what the kernel takes at once, 32 KiB: such a block that is read before it is full
/// would be filled again, without any allocation.
const BYTES: usize = 256 << 10;
/// Room for all of that and what the kernel adds to it, so that nobody waits.
const BUFFER: usize = 4 << 20;

/// Both ends of a connection, and what goes through it.
pub(super) struct Tcp {
    sender: TcpStream,
    receiver: TcpStream,
    payload: Vec<u8>,
}

impl Tcp {
    /// Connects in a network namespace of the calling thread's own.
    pub(super) fn new() -> io::Result<Self> {
        own_network::enter()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        set_socket_recv_buffer_size_force(&listener, BUFFER)?;
        let sender = TcpStream::connect(listener.local_addr()?)?;
        set_socket_send_buffer_size_force(&sender, BUFFER)?;
        let (receiver, _) = listener.accept()?;
        Ok(Self {
            sender,
            receiver,
            payload: vec![0xa5; BYTES],
        })
    }
}

impl Workload for Tcp {
    fn operate(&mut self) -> io::Result<()> {
        self.sender.write_all(&self.payload)?;
        self.receiver.read_exact(&mut self.payload)
    }
}
