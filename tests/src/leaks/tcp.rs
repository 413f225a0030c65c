//! TCP streams on loopback that nobody reads.

use std::{
    io::{self, IoSlice},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
};

use rustix::net::{
    MMsgHdr, SendAncillaryBuffer, SendFlags, sendmmsg,
    sockopt::{set_socket_recv_buffer_size_force, set_socket_send_buffer_size_force},
};

use super::{Held, own_network};
use crate::{
    announcement::{Announcement, PagesByOrder},
    events::PageEvents,
};

/// What the kernel takes at once for the bytes that a task sends: 8 pages, as one
/// allocation of order 3 or, where there is none to be had, as several smaller ones.
const BLOCK: usize = 32 << 10;
const PAGES_IN_BLOCK: usize = BLOCK >> 12;

/// The kernel begins a new block when fewer bytes than this are left of the last.
/// Whether that happens depends on where segments end, so each block is sent this
/// much less than fits: then it makes no difference, as long as what is left out
/// does not add up to a whole block.
const REMAINDER: usize = 32;
const MOST_BLOCKS: usize = BLOCK / REMAINDER - 1;

/// Room for everything that is sent on one connection, so that no sender waits
/// and no receiver squeezes its queue into other pages.
const BUFFER: usize = 64 << 20;

/// `leak tcp`
#[derive(clap::Args)]
pub struct Tcp {
    /// How many connections
    #[arg(long, default_value_t = 50)]
    pub connections: usize,
    /// Blocks of 32 KiB filled for each
    #[arg(long, default_value_t = 8)]
    pub blocks: usize,
}

impl Tcp {
    /// Connects, writes, counts what that took, and keeps the sockets.
    ///
    /// What is known in advance are the pages that the bytes lie in; the kernel's
    /// count also has the slabs of the socket buffers that point to them.
    ///
    /// All in a thread of its own: the kernel fills one block for each task, whatever
    /// the connection, and a new task has none begun. And with the thread ends
    /// its network namespace, except for the sockets.
    pub fn take(&self) -> io::Result<Held> {
        let (sockets, counted) =
            thread::scope(|scope| scope.spawn(|| self.fill()).join()).expect("no panic")?;
        let announcement = Announcement {
            held: true,
            pages: self.pages()?,
            counted: Some(counted),
        };
        Ok(Held::new(announcement, sockets))
    }

    /// How many pages the bytes lie in.
    fn pages(&self) -> io::Result<u64> {
        let blocks = self.connections * self.blocks;
        if blocks > MOST_BLOCKS {
            return Err(io::Error::other(format!(
                "{blocks} blocks are more than the {MOST_BLOCKS} of which the number can be known"
            )));
        }
        Ok((blocks * PAGES_IN_BLOCK) as u64)
    }

    fn fill(&self) -> io::Result<(Vec<Connection>, PagesByOrder)> {
        own_network::enter()?;
        let connections = self.connect()?;
        let payload = vec![0xa5; self.blocks * (BLOCK - REMAINDER)];
        let counted = PageEvents::of_this_task()?
            .count(|| connections.iter().try_for_each(|to| to.send(&payload)))?;
        Ok((connections, counted))
    }

    fn connect(&self) -> io::Result<Vec<Connection>> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        set_socket_recv_buffer_size_force(&listener, BUFFER)?;
        (0..self.connections)
            .map(|_| Connection::open(&listener))
            .collect()
    }
}

/// Both ends of a connection.
struct Connection {
    sender: TcpStream,
    _receiver: TcpStream,
}

impl Connection {
    fn open(listener: &TcpListener) -> io::Result<Self> {
        let sender = TcpStream::connect(listener.local_addr()?)?;
        set_socket_send_buffer_size_force(&sender, BUFFER)?;
        let (receiver, _) = listener.accept()?;
        Ok(Self {
            sender,
            _receiver: receiver,
        })
    }

    /// `sendmmsg`, because hardly any program uses it on a TCP socket: see `Pipe::fill`.
    fn send(&self, payload: &[u8]) -> io::Result<()> {
        let iov = [IoSlice::new(payload)];
        let mut control = SendAncillaryBuffer::default();
        let mut messages = [MMsgHdr::new(&iov, &mut control)];
        sendmmsg(&self.sender, &mut messages, SendFlags::empty())?;
        if messages[0].bytes_sent() < payload.len() {
            return Err(io::Error::other("a write was cut short"));
        }
        Ok(())
    }
}
