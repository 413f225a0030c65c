//! ICMP echo replies that nobody reads: pages taken in a softirq.

use std::{
    io,
    mem::size_of_val,
    net::{Ipv4Addr, SocketAddrV4},
    os::fd::{AsRawFd as _, OwnedFd},
    thread,
};

use rustix::net::{
    AddressFamily, SendFlags, SocketFlags, SocketType, ipproto, sendto, socket_with,
    sockopt::set_socket_recv_buffer_size_force,
};

use super::{Held, own_network};
use crate::announcement::Announcement;

/// Bytes of one echo: many pages, and not too many for a packet.
const BYTES: usize = 20_000;
/// Room for every reply.
const BUFFER: usize = 64 << 20;

/// `leak icmp`
#[derive(clap::Args)]
pub struct Icmp {
    /// How many
    #[arg(long, default_value_t = 100)]
    pub count: usize,
}

impl Icmp {
    /// Asks for echoes of itself, and keeps the socket that holds the replies.
    ///
    /// The kernel makes each reply in the softirq that receives the request. What
    /// is announced are the pages that the replies' bytes fill; how they are
    /// divided among blocks is up to the kernel.
    pub fn take(&self) -> io::Result<Held> {
        let socket = thread::scope(|scope| scope.spawn(|| self.ask()).join()).expect("no panic")?;
        let pages = self.count * BYTES / rustix::param::page_size();
        Ok(Held::new(Announcement::holding(pages as u64), socket))
    }

    fn ask(&self) -> io::Result<OwnedFd> {
        own_network::enter()?;
        let flags = SocketFlags::CLOEXEC;
        let socket = socket_with(
            AddressFamily::INET,
            SocketType::RAW,
            flags,
            Some(ipproto::ICMP),
        )?;
        set_socket_recv_buffer_size_force(&socket, BUFFER)?;
        take_replies_only(&socket)?;
        let request = request();
        let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
        for _ in 0..self.count {
            sendto(&socket, &request, SendFlags::empty(), &to)?;
        }
        Ok(socket)
    }
}

/// An echo request, RFC 792: type 8, code 0, checksum, id, number, bytes.
fn request() -> Vec<u8> {
    let mut request = vec![0; BYTES];
    request[0] = 8;
    // The sum of all words is that of the type: the checksum is its complement.
    request[2..4].copy_from_slice(&(!0x0800_u16).to_be_bytes());
    request
}

/// The socket would get its own requests, too.
fn take_replies_only(socket: &OwnedFd) -> io::Result<()> {
    /// `ICMP_FILTER` of include/uapi/linux/icmp.h: a bit for each type that is left out.
    const FILTER: libc::c_int = 1;
    const REPLY: u32 = 0;
    let left_out = !(1_u32 << REPLY);
    // SAFETY: the kernel only reads the word, as long as it is told it is.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_RAW,
            FILTER,
            (&raw const left_out).cast(),
            size_of_val(&left_out) as u32,
        )
    };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
