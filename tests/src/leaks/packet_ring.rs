//! Blocks of a known order: the receive ring of a packet socket.

use std::{
    io,
    os::fd::{AsRawFd as _, OwnedFd},
};

use rustix::{
    net::{AddressFamily, SocketFlags, SocketType, socket_with},
    param::page_size,
};

use super::{Held, own_network};
use crate::announcement::Announcement;

const FRAME_SIZE: usize = 2048;

/// `leak packet-ring`
#[derive(clap::Args)]
pub struct PacketRing {
    /// How many blocks
    #[arg(long)]
    pub blocks: usize,
    /// Each is 2^ORDER pages
    #[arg(long)]
    pub order: u32,
    /// In a network namespace of its own, which this keeps
    #[arg(long, value_enum)]
    pub elsewhere: Option<Keeper>,
}

/// What keeps a network namespace.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Keeper {
    /// The process is in it
    Process,
    /// The process has left it, and has a descriptor of it
    Descriptor,
    /// The process has left it, and has a socket in it
    Socket,
}

impl PacketRing {
    /// Sets up the ring and keeps it.
    pub fn take(&self) -> io::Result<Held> {
        let pages = (self.blocks << self.order) as u64;
        let Some(keeper) = self.elsewhere else {
            return Ok(Held::new(Announcement::holding(pages), self.ring()?));
        };
        let home = own_network::current()?;
        own_network::enter()?;
        let kept = (self.ring()?, own_network::current()?);
        if keeper != Keeper::Process {
            own_network::enter_again(&home)?;
        }
        if keeper != Keeper::Descriptor {
            return Ok(Held::new(Announcement::holding(pages), kept.0));
        }
        Ok(Held::new(Announcement::holding(pages), kept))
    }

    /// The socket that has it.
    pub(super) fn ring(&self) -> io::Result<OwnedFd> {
        let socket = unbound_socket()?;
        self.install(&socket)?;
        Ok(socket)
    }

    fn install(&self, socket: &OwnedFd) -> io::Result<()> {
        let request = self.request();
        // SAFETY: the kernel only reads the request, as long as it is told it is.
        let result = unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_RX_RING,
                (&raw const request).cast(),
                size_of_val(&request) as u32,
            )
        };
        if result < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }

    fn request(&self) -> libc::tpacket_req {
        let block_size = page_size() << self.order;
        libc::tpacket_req {
            tp_block_size: block_size as u32,
            tp_block_nr: self.blocks as u32,
            tp_frame_size: FRAME_SIZE as u32,
            tp_frame_nr: (block_size / FRAME_SIZE * self.blocks) as u32,
        }
    }
}

/// A packet socket of protocol 0 sees no traffic, so it disturbs nobody.
fn unbound_socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC;
    Ok(socket_with(
        AddressFamily::PACKET,
        SocketType::RAW,
        flags,
        None,
    )?)
}
