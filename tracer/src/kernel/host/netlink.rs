//! Asks the running kernel by netlink.

use std::{io, os::fd::OwnedFd};

use rustix::{
    io::Errno,
    net::{
        AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send,
        socket_with,
    },
};

use crate::kernel::netlink::{Message, messages};

/// The kernel fills no more into one message (`netlink_dump`, net/netlink/af_netlink.c: 32 KiB).
const LARGEST: usize = 64 * 1024;

/// A way to ask.
pub(super) struct Netlink(OwnedFd);

impl Netlink {
    /// In the network namespace of this thread.
    pub(super) fn open(protocol: Protocol) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC;
        let kind = SocketType::RAW;
        let socket = socket_with(AddressFamily::NETLINK, kind, flags, Some(protocol))?;
        Ok(Self(socket))
    }

    /// Its inode: it is a socket as well.
    pub(super) fn inode(&self) -> io::Result<u64> {
        Ok(rustix::fs::fstat(&self.0)?.st_ino)
    }

    /// Hands every message of the answer to `each`.
    ///
    /// # Errors
    ///
    /// What the kernel answers; `NotFound` if it has nobody for this request.
    pub(super) fn ask(&self, request: &[u8], mut each: impl FnMut(&[u8])) -> io::Result<()> {
        send(&self.0, request, SendFlags::empty())?;
        let mut buffer = vec![0; LARGEST];
        loop {
            let len = receive(&self.0, &mut buffer)?;
            let datagram = buffer.get(..len).ok_or_else(cut_off)?;
            if !answer(datagram, &mut each)? {
                return Ok(());
            }
        }
    }
}

/// Asks once.
///
/// # Errors
///
/// As [`Netlink::ask`].
pub(super) fn ask(protocol: Protocol, request: &[u8], each: impl FnMut(&[u8])) -> io::Result<()> {
    Netlink::open(protocol)?.ask(request, each)
}

/// Whether there is more to come.
fn answer(datagram: &[u8], each: &mut impl FnMut(&[u8])) -> io::Result<bool> {
    let mut more = false;
    for message in messages(datagram) {
        match message? {
            Message::End(0) => return Ok(false),
            Message::End(error) => {
                return Err(io::Error::from_raw_os_error(error.saturating_neg()));
            }
            Message::Data { payload, multi } => {
                each(payload);
                more |= multi;
            }
        }
    }
    Ok(more)
}

/// How long the next datagram is, in full.
fn receive(socket: &OwnedFd, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match recv(socket, &mut *buffer, RecvFlags::TRUNC) {
            Ok((_, len)) => return Ok(len),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn cut_off() -> io::Error {
    io::Error::other("the kernel's answer is longer than it can be")
}
