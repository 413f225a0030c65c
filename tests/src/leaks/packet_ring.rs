//! Blocks of a known order: the receive ring of a packet socket.

use std::{
    io,
    os::fd::{AsRawFd as _, OwnedFd},
};

use rustix::{
    net::{AddressFamily, SocketFlags, SocketType, socket_with},
    param::page_size,
};

use super::Held;
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
}

impl PacketRing {
    /// Sets up the ring and keeps it.
    pub fn take(&self) -> io::Result<Held> {
        let socket = unbound_socket()?;
        self.install(&socket)?;
        let pages = (self.blocks << self.order) as u64;
        Ok(Held::new(Announcement::holding(pages), socket))
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
