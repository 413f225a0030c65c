//! Rings that the kernel shares with a process.

use std::{io, os::fd::OwnedFd};

use memmap2::{MmapMut, MmapOptions};
use rustix::param::page_size;

use crate::leaks::{PacketRing, pinned, pipes::allow_many_files};

/// Of the blocks of a packet ring.
pub(super) const ORDER: u32 = 3;

/// Of an io_uring of [`ENTRIES`].
pub(super) const PAGES: usize = 2;

/// As many as fill a page with 64 bytes each (`struct io_uring_sqe`); the rings of their numbers and
/// of twice as many results of 16 bytes have room in another, on every kernel.
const ENTRIES: u32 = 64;

/// A mapped packet ring, whose descriptor is closed.
pub(super) fn map(blocks: usize) -> io::Result<MmapMut> {
    let ring = PacketRing {
        blocks,
        order: ORDER,
        elsewhere: None,
    };
    let len = (blocks << ORDER) * page_size();
    // SAFETY: nobody uses the memory, and the kernel writes nothing there: the socket is not bound.
    unsafe { MmapOptions::new().len(len).map_mut(&ring.ring()?) }
}

/// Rings that nobody uses.
pub(super) fn set_up(count: usize) -> io::Result<Vec<OwnedFd>> {
    allow_many_files()?;
    (0..count).map(|_| pinned::io_uring(ENTRIES)).collect()
}
