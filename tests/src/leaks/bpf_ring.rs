//! A BPF ring buffer: pages that `vmap()` maps, and that vmalloc does not count.

use std::io;

use rustix::param::page_size;

use super::Held;
use crate::{announcement::Announcement, bpf_syscall};

/// `leak bpf-ring`
#[derive(clap::Args)]
pub struct BpfRing {
    /// It has 2^ORDER pages for data
    #[arg(long)]
    pub order: u32,
}

impl BpfRing {
    /// Makes the ring buffer and keeps it.
    pub fn take(&self) -> io::Result<Held> {
        bpf_syscall::lift_memlock_limit();
        let ring = bpf_syscall::create_ring_buffer((page_size() << self.order) as u32)?;
        Ok(Held::new(Announcement::holding(1 << self.order), ring))
    }
}
