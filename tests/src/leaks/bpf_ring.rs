//! A BPF ring buffer: pages that `vmap()` maps, and that vmalloc does not count.

use std::{
    io,
    os::fd::{AsRawFd as _, OwnedFd},
};

use rustix::param::page_size;

use super::Held;
use crate::{
    announcement::Announcement,
    bpf_syscall::{self, Instruction},
};

/// `leak bpf-ring`
#[derive(clap::Args)]
pub struct BpfRing {
    /// It has 2^ORDER pages for data
    #[arg(long)]
    pub order: u32,
    /// Only a program refers to it
    #[arg(long)]
    pub without_descriptor: bool,
}

impl BpfRing {
    /// Makes the ring buffer and keeps it.
    pub fn take(&self) -> io::Result<Held> {
        bpf_syscall::lift_memlock_limit();
        let ring = bpf_syscall::create_ring_buffer((page_size() << self.order) as u32)?;
        let pages = Announcement::holding(1 << self.order);
        if self.without_descriptor {
            return Ok(Held::new(pages, user(&ring)?));
        }
        Ok(Held::new(pages, ring))
    }
}

/// A program that refers to a map, and does nothing with it.
fn user(map: &OwnedFd) -> io::Result<OwnedFd> {
    /// The first half of `r1 = map` (`BPF_PSEUDO_MAP_FD`), which its descriptor makes whole.
    const LOAD_MAP: [u8; 4] = [0x18, 0x11, 0, 0];
    let descriptor = map.as_raw_fd().to_ne_bytes();
    let mut load: Instruction = [0; 8];
    load[..4].copy_from_slice(&LOAD_MAP);
    load[4..].copy_from_slice(&descriptor);
    // r0 = 0; exit
    let rest = [
        [0; 8],
        [0xb7, 0, 0, 0, 0, 0, 0, 0],
        [0x95, 0, 0, 0, 0, 0, 0, 0],
    ];
    let instructions = [&[load][..], &rest].concat();
    bpf_syscall::load(c"leak", &instructions)
}
