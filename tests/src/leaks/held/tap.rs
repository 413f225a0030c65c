//! A tap device of which nobody reads what is sent to it.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::fs::OpenOptionsExt as _,
    },
};

use rustix::net::{AddressFamily, SocketFlags, SocketType, netdevice::name_to_index, socket_with};

use crate::leaks::own_network;

/// The device, in a network namespace of its own.
const DEVICE: &str = "tap0";

/// Bytes of an Ethernet header, which the kernel keeps in a slab.
const HEADER: usize = 14;

/// Bytes of the rest of a packet, for which the kernel takes pages, at once if it can.
pub(super) const DATA: usize = 32 << 10;

/// Bytes of a packet.
pub(super) const BYTES: usize = HEADER + DATA;

/// A file of tun and tap devices.
pub(super) fn open() -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    options.custom_flags(libc::O_CLOEXEC).open("/dev/net/tun")
}

/// A device that so many packets were sent to.
pub(super) fn send(count: usize) -> io::Result<File> {
    own_network::enter()?;
    let device = open()?;
    attach(&device)?;
    be_silent()?;
    set_longest_packet()?;
    own_network::bring_up(DEVICE)?;
    let sender = sender()?;
    let to = address(&sender)?;
    for _ in 0..count {
        send_one(&sender, &to)?;
    }
    Ok(device)
}

fn attach(device: &File) -> io::Result<()> {
    let request = own_network::interface(DEVICE, libc::IFF_TAP | libc::IFF_NO_PI);
    // SAFETY: the request is as large as the kernel takes it to be, and lives longer.
    let result = unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF, &raw const request) };
    done(result)
}

/// The kernel itself sends nothing to a device without IPv6.
fn be_silent() -> io::Result<()> {
    let path = format!("/proc/sys/net/ipv6/conf/{DEVICE}/disable_ipv6");
    match fs::write(path, "1") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        written => written,
    }
}

fn set_longest_packet() -> io::Result<()> {
    let mut request = own_network::interface(DEVICE, 0);
    request.ifr_ifru.ifru_mtu = BYTES as i32;
    let socket = sender()?;
    // SAFETY: the kernel only reads the request.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFMTU, &raw const request) };
    done(result)
}

/// A packet socket of protocol 0 receives nothing.
fn sender() -> io::Result<OwnedFd> {
    let (family, kind) = (AddressFamily::PACKET, SocketType::RAW);
    Ok(socket_with(family, kind, SocketFlags::CLOEXEC, None)?)
}

fn address(socket: &OwnedFd) -> io::Result<libc::sockaddr_ll> {
    Ok(libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: 0,
        sll_ifindex: name_to_index(socket, DEVICE)? as i32,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 6,
        sll_addr: [0xff; 8],
    })
}

fn send_one(socket: &OwnedFd, to: &libc::sockaddr_ll) -> io::Result<()> {
    let packet = [0xff_u8; BYTES];
    // SAFETY: the kernel only reads the packet and the address, as long as it is told they are.
    let sent = unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            packet.as_ptr().cast(),
            packet.len(),
            0,
            (&raw const *to).cast(),
            size_of_val(to) as u32,
        )
    };
    done(sent as i32)
}

fn done(result: i32) -> io::Result<()> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
