//! Where in the kernel's structs lies what a walk follows, from BTF, in bytes.
//!
//! Each kind of object has a layout of its own: where a kernel lacks a member, or has it elsewhere, only
//! that kind is not followed.

mod bpf;
mod buffers;
mod sockets;
mod softnet;
mod tasks;
mod tun;
mod xdp;

pub(super) use bpf::RingBufferLayout;
pub(super) use buffers::{
    IoUringLayout, PacketRingLayout, PerfLayout, PipeLayout, RegisteredEntries, RegisteredLayout,
};
pub(super) use sockets::{PacketLayout, SocketLayout, TcpLayout, UnixLayout};
pub(super) use softnet::SoftnetLayout;
pub(super) use tasks::{CacheLayout, FileLayout, TaskLayout};
pub(super) use tun::TunLayout;
pub(super) use xdp::XdpLayout;

use anyhow::Result;

use self::tun::{DRIVERS, Driver};
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
    pub(super) xdp: Result<XdpLayout, String>,
    /// Whether the kernel was built with AF_XDP, which is never a module.
    pub(super) has_xdp: bool,
    /// Of those drivers that are there.
    pub(super) tun: Vec<TunLayout>,
    /// Drivers that are there, and why their queues cannot be followed.
    pub(super) tun_missing: Vec<(&'static str, String)>,
    pub(super) ring_buffer: Result<RingBufferLayout, String>,
    pub(super) softnet: Result<SoftnetLayout, String>,
    /// Whether packets wait to be freed on the CPU that they were made on (Linux 5.19).
    pub(super) is_deferring: bool,
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
    /// What BTF describes, the kernel's and that of a module of this name; an error without tasks and
    /// files, by which all else is found.
    pub fn of(btf: &Btf<'_>, module: impl Fn(&str) -> Result<Option<Vec<u8>>>) -> Result<Self> {
        fn kind<T>(layout: Result<T>) -> Result<T, String> {
            layout.map_err(|error| format!("{error:#}"))
        }
        let (mut tun, mut tun_missing) = (Vec::new(), Vec::new());
        for driver in DRIVERS {
            match of_driver(btf, driver, &module) {
                Ok(layout) => tun.extend(layout),
                Err(error) => tun_missing.push((driver.queues, format!("{error:#}"))),
            }
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
            xdp: kind(XdpLayout::of(btf)),
            has_xdp: btf.has_struct("xdp_sock"),
            tun,
            tun_missing,
            ring_buffer: kind(RingBufferLayout::of(btf)),
            softnet: kind(SoftnetLayout::of(btf)),
            is_deferring: members(btf, "sk_buff").at("alloc_cpu").is_ok(),
        })
    }

    /// What cannot be followed here, and holds a few packets of each CPU at most, and why.
    pub fn missing_little(&self) -> Option<(&'static str, &str)> {
        let why = self.softnet.as_ref().err()?;
        let kind = "packets that wait on a CPU to be freed";
        self.is_deferring.then_some((kind, why))
    }

    /// What else cannot be followed here, and why.
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
            ("AF_XDP sockets", why(&self.xdp).filter(|_| self.has_xdp)),
            ("BPF ring buffers", why(&self.ring_buffer)),
        ];
        let missing = kinds
            .into_iter()
            .filter_map(|(kind, why)| Some((kind, why?)));
        let drivers = self.tun_missing.iter();
        missing
            .chain(drivers.map(|(kind, why)| (*kind, why.as_str())))
            .collect()
    }
}

/// What BTF says of a driver, which may be a module; none if it is not there.
fn of_driver(
    btf: &Btf<'_>,
    driver: Driver,
    module: impl Fn(&str) -> Result<Option<Vec<u8>>>,
) -> Result<Option<TunLayout>> {
    if btf.has_struct(driver.file) {
        return TunLayout::of(btf, driver).map(Some);
    }
    let Some(blob) = module(driver.module)? else {
        return Ok(None);
    };
    TunLayout::of(&Btf::parse_module(btf, &blob)?, driver).map(Some)
}
