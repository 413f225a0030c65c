//! Datagrams between UNIX sockets that nobody reads.

use std::{
    fs,
    io::{self, IoSlice},
    os::fd::OwnedFd,
};

use rustix::{
    mm::{MlockAllFlags, mlockall},
    net::{
        AddressFamily, MMsgHdr, SendAncillaryBuffer, SendFlags, SocketFlags, SocketType, sendmmsg,
        socketpair, sockopt::set_socket_send_buffer_size_force,
    },
};

use super::Held;
use crate::{announcement::Announcement, events::PageEvents};

/// Room for every datagram that a receive queue takes.
const SEND_BUFFER: usize = 16 << 20;

/// `leak unix-dgrams`
#[derive(clap::Args)]
pub struct UnixDgrams {
    /// How many datagrams
    #[arg(long, default_value_t = 200)]
    pub count: usize,
    /// Bytes in each
    #[arg(long, default_value_t = 32768)]
    pub size: usize,
}

impl UnixDgrams {
    /// Sends the datagrams, counts the pages that took, and keeps the sockets.
    ///
    /// What the kernel counts is what the datagrams cost and nothing else: the
    /// sockets exist by then, no memory of ours is left to be faulted in, and no
    /// send fails and gives its pages back.
    pub fn take(&self) -> io::Result<Held> {
        let queue_length = queue_length()?;
        let pairs = pairs(self.count.div_ceil(queue_length))?;
        let payload = vec![0xa5; self.size];
        let mut events = PageEvents::of_this_task()?;
        mlockall(MlockAllFlags::CURRENT)?;
        let counted = events.count(|| {
            (0..self.count).try_for_each(|i| send(&pairs[i / queue_length].0, &payload))
        })?;
        Ok(Held::new(Announcement::counted(counted), pairs))
    }
}

/// How many datagrams a socket queues before a sender has to wait.
fn queue_length() -> io::Result<usize> {
    let limit = fs::read_to_string("/proc/sys/net/unix/max_dgram_qlen")?;
    limit.trim().parse().map_err(io::Error::other)
}

fn pairs(count: usize) -> io::Result<Vec<(OwnedFd, OwnedFd)>> {
    (0..count).map(|_| pair()).collect()
}

fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let pair = socketpair(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
    set_socket_send_buffer_size_force(&pair.0, SEND_BUFFER)?;
    Ok(pair)
}

/// `sendmmsg`, because hardly any program uses it on a UNIX socket: see `Pipe::fill`.
fn send(socket: &OwnedFd, payload: &[u8]) -> io::Result<()> {
    let iov = [IoSlice::new(payload)];
    let mut control = SendAncillaryBuffer::default();
    let mut messages = [MMsgHdr::new(&iov, &mut control)];
    sendmmsg(socket, &mut messages, SendFlags::empty())?;
    if messages[0].bytes_sent() < payload.len() {
        return Err(io::Error::other("a datagram was cut short"));
    }
    Ok(())
}
