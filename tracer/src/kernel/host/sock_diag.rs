//! Asks `sock_diag` about the network namespace of this thread.

use std::io;

use rustix::net::netlink::SOCK_DIAG;

use super::netlink::{Netlink, ask};
use crate::kernel::{
    netlink::dump,
    packet_diag::{self, RingSocket},
    sock_diag::{BY_FAMILY, Family, Socket},
};

/// Packet sockets with rings.
pub(super) fn rings(page_size: u64) -> Result<Vec<RingSocket>, String> {
    let mut rings = Vec::new();
    let request = dump(BY_FAMILY, &packet_diag::request());
    let answer = ask(SOCK_DIAG, &request, |message| {
        rings.extend(packet_diag::socket(message, page_size));
    });
    match answer {
        Ok(()) => Ok(rings),
        Err(error) => Err(unasked("packet sockets", "CONFIG_PACKET_DIAG", &error)),
    }
}

/// All sockets of a family, but for the one that asks.
pub(super) fn sockets(family: Family) -> Result<Vec<Socket>, String> {
    listed(family).map_err(|error| unasked(family.what(), family.option(), &error))
}

fn listed(family: Family) -> io::Result<Vec<Socket>> {
    let netlink = Netlink::open(SOCK_DIAG)?;
    let own = netlink.inode()?;
    let mut sockets = Vec::new();
    netlink.ask(&dump(BY_FAMILY, &family.request()), |message| {
        let socket = family.socket(message);
        sockets.extend(socket.filter(|it| u64::from(it.inode) != own));
    })?;
    Ok(sockets)
}

/// The kernel answers "not found" or "not supported" to what it was built without.
pub(super) fn unasked(what: &str, option: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::Unsupported => {
            format!("this kernel does not list {what}, which needs {option}")
        }
        _ => format!("cannot list {what}: {error}"),
    }
}
