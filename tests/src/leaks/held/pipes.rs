//! Pipes that share their pages, and pipes that no process has any more.

use std::{
    io::{self, IoSlice},
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::net::UnixStream,
    },
};

use rustix::{
    net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg},
    param::page_size,
};

use crate::leaks::{Pipe, Pipes, payload};

const PAGES: usize = 16;
/// Bytes that are in each pipe.
pub(super) fn bytes() -> usize {
    PAGES * page_size()
}

fn full(count: usize) -> io::Result<Vec<Pipe>> {
    let pipes = Pipes {
        count,
        pages: PAGES,
    }
    .open()?;
    let payload = payload(PAGES);
    pipes.iter().try_for_each(|pipe| pipe.fill(&payload))?;
    Ok(pipes)
}

/// Full pipes, and as many that have the same pages (tee(2)).
pub(super) fn share(count: usize) -> io::Result<Vec<(Pipe, Pipe)>> {
    let share = |original: Pipe| {
        let copy = Pipe::open(PAGES)?;
        original.share_with(&copy, bytes())?;
        Ok((original, copy))
    };
    full(count)?.into_iter().map(share).collect()
}

/// A socket pair that full pipes were sent over, one end of each; their own descriptors are closed.
pub(super) fn send(count: usize) -> io::Result<(UnixStream, UnixStream)> {
    /// The kernel takes 253 at once (`SCM_MAX_FD`).
    const AT_ONCE: usize = 200;
    let pair = UnixStream::pair()?;
    let pipes = full(count)?.into_iter().map(Pipe::into_one_end);
    let pipes: Vec<_> = pipes.collect();
    for pipes in pipes.chunks(AT_ONCE) {
        send_some(&pair.0, pipes)?;
    }
    Ok(pair)
}

/// A socket pair over which the socket was sent that full pipes were sent over.
pub(super) fn send_nested(count: usize) -> io::Result<(UnixStream, UnixStream)> {
    let (_, receiver) = send(count)?;
    let pair = UnixStream::pair()?;
    send_some(&pair.0, &[receiver.into()])?;
    Ok(pair)
}

fn send_some(socket: &UnixStream, pipes: &[OwnedFd]) -> io::Result<()> {
    let pipes: Vec<_> = pipes.iter().map(|pipe| pipe.as_fd()).collect();
    let message = SendAncillaryMessage::ScmRights(&pipes);
    let mut space = vec![std::mem::MaybeUninit::uninit(); message.size()];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(message) {
        return Err(io::Error::other("there is no room for the descriptors"));
    }
    sendmsg(
        socket,
        &[IoSlice::new(&[0])],
        &mut control,
        SendFlags::empty(),
    )?;
    Ok(())
}
