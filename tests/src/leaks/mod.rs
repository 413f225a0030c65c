//! The leaks: each takes a known number of kernel pages and holds them.

mod anon;
mod balanced;
mod bpf_ring;
mod churn;
mod counted;
mod held;
mod icmp;
mod json;
pub(crate) mod own_network;
mod packet_ring;
mod perf_rings;
mod pinned;
mod pipes;
mod processes;
mod programs;
mod ptys;
mod shmem;
mod tcp;
mod thp;
mod unix_dgrams;
mod zram;

use std::any::Any;

pub use anon::Anon;
pub use balanced::Balanced;
pub use bpf_ring::BpfRing;
pub use churn::Churn;
pub use counted::{Counted, CountedKind};
pub use held::{HeldIn, HeldKind};
pub use icmp::Icmp;
pub use json::{Json, PASSWORD};
pub use packet_ring::{Keeper, PacketRing};
pub use perf_rings::PerfRings;
pub use pinned::{Holder, Pinned};
pub use pipes::{Pipe, Pipes, payload};
pub use processes::Processes;
pub use programs::Programs;
pub use ptys::{Ptys, terminal_buffers};
pub use shmem::{OrphanedSegment, Shmem, ShmemHolder};
pub use tcp::Tcp;
pub use thp::{Thp, huge_order};
pub use unix_dgrams::UnixDgrams;
pub use zram::Zram;

use crate::announcement::Announcement;

/// Pages that were taken, and whatever keeps them.
pub struct Held {
    /// What the helper program says about them.
    pub announcement: Announcement,
    _keeper: Box<dyn Any>,
}

impl Held {
    fn new(announcement: Announcement, keeper: impl Any) -> Self {
        Self {
            announcement,
            _keeper: Box::new(keeper),
        }
    }
}

/// Which leak the helper program runs.
#[derive(clap::Parser)]
#[command(
    about = "Takes kernel pages, says how many, and holds them until a line arrives on stdin"
)]
pub enum Leak {
    /// Order-0 pages in pipes that nobody reads
    Pipes(Pipes),
    /// Blocks of one order in the receive ring of a packet socket
    PacketRing(PacketRing),
    /// Pages in the ring buffers of perf events
    PerfRings(PerfRings),
    /// Datagrams that nobody reads, with the kernel's own count of the pages
    UnixDgrams(UnixDgrams),
    /// TCP streams that nobody reads
    Tcp(Tcp),
    /// Virtually contiguous buffers of pseudoterminals
    Ptys(Ptys),
    /// Transparent huge pages, which are movable and so out of the default scope
    Thp(Thp),
    /// Pages that are all free again when the program says so
    Balanced(Balanced),
    /// ICMP echo replies that nobody reads, made in softirqs
    Icmp(Icmp),
    /// Pages, forks, files and interrupts, all given back by the time the program says so
    Churn(Churn),
    /// Anonymous memory, which is movable and so out of the default scope
    Anon(Anon),
    /// User memory in no mapping and no file, which is out of the default scope, too
    Pinned(Pinned),
    /// Pages of a BPF ring buffer
    BpfRing(BpfRing),
    /// BPF programs, which are vmalloc
    Programs(Programs),
    /// Shared memory that no path leads to, which is user memory, too
    Shmem(Shmem),
    /// Anonymous memory full of JSON, more and more of it
    Json(Json),
    /// Processes that do nothing
    Processes(Processes),
    /// Data on a compressed disk
    Zram(Zram),
    /// Memory that a line of /proc/meminfo counts
    Counted(Counted),
    /// Pages that no counter shows, held by pipes, sockets and rings in ways that are hard to see
    Held(HeldIn),
}

impl Leak {
    /// Takes the pages.
    pub fn take(&self) -> anyhow::Result<Held> {
        Ok(match self {
            Self::Pipes(leak) => leak.take()?,
            Self::PacketRing(leak) => leak.take()?,
            Self::PerfRings(leak) => leak.take()?,
            Self::UnixDgrams(leak) => leak.take()?,
            Self::Tcp(leak) => leak.take()?,
            Self::Ptys(leak) => leak.take()?,
            Self::Thp(leak) => leak.take()?,
            Self::Balanced(leak) => leak.take()?,
            Self::Icmp(leak) => leak.take()?,
            Self::Churn(leak) => leak.take()?,
            Self::Anon(leak) => leak.take()?,
            Self::Pinned(leak) => leak.take()?,
            Self::BpfRing(leak) => leak.take()?,
            Self::Programs(leak) => leak.take()?,
            Self::Shmem(leak) => leak.take()?,
            Self::Json(leak) => leak.take()?,
            Self::Processes(leak) => leak.take()?,
            Self::Zram(leak) => leak.take()?,
            Self::Counted(leak) => leak.take()?,
            Self::Held(leak) => leak.take()?,
        })
    }
}
