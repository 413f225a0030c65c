//! Files of tun, tap and macvtap devices, whose drivers are often modules.

use anyhow::Result;

use super::members;
use crate::kernel::btf::Btf;

/// A driver whose files each have a queue of packets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Driver {
    /// The module.
    pub(super) module: &'static str,
    /// What people call what is held.
    pub(super) queues: &'static str,
    /// What its socks say of their protocol.
    protocol: &'static str,
    /// The struct of a file, which begins with a sock.
    pub(super) file: &'static str,
    socket: &'static str,
    device: &'static str,
    ring: &'static str,
    /// The struct that a file points to while it is attached to a device.
    attached: &'static str,
}

pub(super) const DRIVERS: [Driver; 2] = [
    Driver {
        module: "tun",
        queues: "queues of tun and tap devices",
        protocol: "tun",
        file: "tun_file",
        socket: "socket",
        device: "tun",
        ring: "tx_ring",
        attached: "tun_struct",
    },
    // macvtap and ipvtap.
    Driver {
        module: "tap",
        queues: "queues of macvtap devices",
        protocol: "tap",
        file: "tap_queue",
        socket: "sock",
        device: "tap",
        ring: "ring",
        attached: "tap_dev",
    },
];

/// `struct tun_file` or `tap_queue`, `ptr_ring` and `net_device`.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel::objects) struct TunLayout {
    pub(in crate::kernel::objects) protocol: &'static str,
    /// Where the sock's `proto` has its name.
    pub(in crate::kernel::objects) protocol_name: u64,
    /// Where a file's socket points to the sock, at which the file begins.
    pub(in crate::kernel::objects) sock: u64,
    /// To what it is attached, and where that points to the network device.
    pub(in crate::kernel::objects) attached: u64,
    pub(in crate::kernel::objects) device: u64,
    pub(in crate::kernel::objects) device_name: u64,
    pub(in crate::kernel::objects) device_namespace: u64,
    pub(in crate::kernel::objects) head: u64,
    pub(in crate::kernel::objects) tail: u64,
    pub(in crate::kernel::objects) slots: u64,
    pub(in crate::kernel::objects) entries: u64,
    /// Bytes of data of an `xdp_frame`.
    pub(in crate::kernel::objects) frame_len: u64,
}

impl TunLayout {
    pub(super) fn of(btf: &Btf<'_>, driver: Driver) -> Result<Self> {
        let (file, ring) = (members(btf, driver.file), members(btf, "ptr_ring"));
        let device = members(btf, "net_device");
        let at = file.at(driver.ring)?;
        Ok(Self {
            protocol: driver.protocol,
            protocol_name: members(btf, "proto").at("name")?,
            sock: file.at(driver.socket)? + members(btf, "socket").at("sk")?,
            attached: file.at(driver.device)?,
            device: members(btf, driver.attached).at("dev")?,
            device_name: device.at("name")?,
            device_namespace: device.at("nd_net")?,
            head: at + ring.at("consumer_head")?,
            tail: at + ring.at("consumer_tail")?,
            slots: at + ring.at("size")?,
            entries: at + ring.at("queue")?,
            frame_len: members(btf, "xdp_frame").at("len")?,
        })
    }
}
