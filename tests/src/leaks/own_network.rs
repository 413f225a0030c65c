//! A network namespace with nothing but a loopback interface: no other's traffic,
//! settings or filters.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    os::fd::AsRawFd as _,
};

use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Has the calling thread, and those it begins, use a network of their own.
pub(crate) fn enter() -> io::Result<()> {
    // SAFETY: the flag is not FILES, so no descriptor changes its meaning.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET) }?;
    bring_up_loopback()
}

fn bring_up_loopback() -> io::Result<()> {
    let any_socket = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    let request = loopback_up();
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

fn loopback_up() -> libc::ifreq {
    let mut name = [0; libc::IFNAMSIZ];
    for (to, from) in name.iter_mut().zip(b"lo") {
        *to = from.cast_signed();
    }
    libc::ifreq {
        ifr_name: name,
        ifr_ifru: libc::__c_anonymous_ifr_ifru {
            ifru_flags: libc::IFF_UP as libc::c_short,
        },
    }
}
