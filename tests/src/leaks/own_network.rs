//! A network namespace with nothing but a loopback interface: no other's traffic,
//! settings or filters.

use std::{
    fs::File,
    io,
    net::{Ipv4Addr, UdpSocket},
    os::fd::{AsFd as _, AsRawFd as _},
};

use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};

/// Has the calling thread, and those it begins, use a network of their own.
pub(crate) fn enter() -> io::Result<()> {
    // SAFETY: the flag is not FILES, so no descriptor changes its meaning.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET) }?;
    bring_up("lo")
}

/// The network namespace of the calling thread.
pub(crate) fn current() -> io::Result<File> {
    File::open("/proc/thread-self/ns/net")
}

/// Has the calling thread use a network that it knows.
pub(crate) fn enter_again(network: &File) -> io::Result<()> {
    let kind = Some(LinkNameSpaceType::Network);
    Ok(move_into_link_name_space(network.as_fd(), kind)?)
}

/// Switches an interface on.
pub(crate) fn bring_up(name: &str) -> io::Result<()> {
    let any_socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    let request = interface(name, libc::IFF_UP);
    // SAFETY: the kernel only reads the request.
    let result = unsafe {
        libc::ioctl(
            any_socket.as_raw_fd(),
            libc::SIOCSIFFLAGS,
            &raw const request,
        )
    };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// A request about the interface of this name.
pub(crate) fn interface(name: &str, flags: libc::c_int) -> libc::ifreq {
    let mut ifr_name = [0; libc::IFNAMSIZ];
    for (to, from) in ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    libc::ifreq {
        ifr_name,
        ifr_ifru: libc::__c_anonymous_ifr_ifru {
            ifru_flags: flags as libc::c_short,
        },
    }
}
