//! Where in the kernel's structs lies what a walk follows, from BTF, in bytes.
//!
//! Each kind of object has a layout of its own: where a kernel lacks a member, or has it elsewhere, only
//! that kind is not followed.

mod buffers;
mod sockets;
mod tasks;

pub(super) use buffers::{
    IoUringLayout, PacketRingLayout, PerfLayout, PipeLayout, RegisteredEntries, RegisteredLayout,
};
pub(super) use sockets::{PacketLayout, SocketLayout, TcpLayout, UnixLayout};
pub(super) use tasks::{CacheLayout, FileLayout, TaskLayout};

use anyhow::Result;

use crate::kernel::btf::Btf;

/// All that can be followed on this kernel.
#[derive(Clone, Debug)]
pub struct ObjectLayouts {
    pub(super) cache: CacheLayout,
    pub(super) task: TaskLayout,
    pub(super) file: FileLayout,
    pub(super) pipe: Result<PipeLayout, String>,
    pub(super) socket: Result<SocketLayout, String>,
    pub(super) packet: Result<PacketLayout, String>,
    pub(super) unix: Result<UnixLayout, String>,
    pub(super) tcp: Result<TcpLayout, String>,
    pub(super) udp: Result<u64, String>,
    pub(super) packet_ring: Result<PacketRingLayout, String>,
    pub(super) perf: Result<PerfLayout, String>,
    pub(super) io_uring: Result<IoUringLayout, String>,
    pub(super) registered: Result<RegisteredLayout, String>,
}

/// Offsets of the members of one struct.
struct Members<'a> {
    btf: &'a Btf<'a>,
    of: &'static str,
}

impl Members<'_> {
    fn at(&self, member: &str) -> Result<u64> {
        self.btf.member_offset(self.of, member).map(u64::from)
    }

    fn size(&self) -> Result<u64> {
        self.btf.struct_size(self.of).map(u64::from)
    }
}

const fn members<'a>(btf: &'a Btf<'a>, of: &'static str) -> Members<'a> {
    Members { btf, of }
}

impl ObjectLayouts {
    /// What BTF describes; an error without tasks and files, by which all else is found.
    pub fn of(btf: &Btf<'_>) -> Result<Self> {
        fn kind<T>(layout: Result<T>) -> Result<T, String> {
            layout.map_err(|error| format!("{error:#}"))
        }
        Ok(Self {
            cache: CacheLayout::of(btf)?,
            task: TaskLayout::of(btf)?,
            file: FileLayout::of(btf)?,
            pipe: kind(PipeLayout::of(btf)),
            socket: kind(SocketLayout::of(btf)),
            packet: kind(PacketLayout::of(btf)),
            unix: kind(UnixLayout::of(btf)),
            tcp: kind(TcpLayout::of(btf)),
            udp: kind(members(btf, "udp_sock").at("reader_queue")),
            packet_ring: kind(PacketRingLayout::of(btf)),
            perf: kind(PerfLayout::of(btf)),
            io_uring: kind(IoUringLayout::of(btf)),
            registered: kind(RegisteredLayout::of(btf)),
        })
    }

    /// What cannot be followed here, and why.
    pub fn missing(&self) -> Vec<(&'static str, &str)> {
        fn why<T>(layout: &Result<T, String>) -> Option<&str> {
            layout.as_ref().err().map(String::as_str)
        }
        let kinds = [
            ("pipes", why(&self.pipe)),
            ("sockets", why(&self.socket)),
            ("packets in sockets", why(&self.packet)),
            ("unix sockets", why(&self.unix)),
            ("queues of TCP", why(&self.tcp)),
            ("queues of UDP", why(&self.udp)),
            ("rings of packet sockets", why(&self.packet_ring)),
            ("perf rings", why(&self.perf)),
            ("io_uring rings", why(&self.io_uring)),
            ("buffers registered with io_uring", why(&self.registered)),
        ];
        let missing = kinds
            .into_iter()
            .filter_map(|(kind, why)| Some((kind, why?)));
        missing.collect()
    }
}
