//! Datagrams between UNIX sockets: blocks of several pages each.

use std::{io, os::unix::net::UnixDatagram};

use super::Workload;

const BYTES: usize = 32 << 10;

/// Two sockets, and what goes from one to the other.
pub(super) struct UnixDgrams {
    pair: (UnixDatagram, UnixDatagram),
    payload: Vec<u8>,
}

impl UnixDgrams {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            pair: UnixDatagram::pair()?,
            payload: vec![0xa5; BYTES],
        })
    }
}

impl Workload for UnixDgrams {
    fn operate(&mut self) -> io::Result<()> {
        self.pair.0.send(&self.payload)?;
        self.pair.1.recv(&mut self.payload)?;
        Ok(())
    }
}
