//! What the kernel answers about one network namespace: that of the calling thread.

use std::io;

use rustix::net::{AddressFamily, SocketType, netdevice::index_to_name, netlink, socket};

use crate::{
    kernel::{
        host::netlink::ask,
        netlink::{dump, request},
        packet_diag::{self, RingSocket},
        page_pool::{self, PagePool},
        sock_diag::{BY_FAMILY, Family, Socket},
    },
    model::Feature,
};

/// Sockets and pools of a network namespace.
#[derive(Default)]
pub(super) struct Answers {
    pub(super) rings: Vec<RingSocket>,
    pub(super) sockets: Vec<Socket>,
    /// Each with its device's name.
    pub(super) pools: Vec<(PagePool, Option<String>)>,
    /// What the kernel did not answer, and why.
    pub(super) failed: Vec<(Feature, String)>,
}

impl Answers {
    /// Asks about everything.
    pub(super) fn ask(page_size: u64) -> Self {
        let mut answers = Self::default();
        answers.rings = answers.kept(Feature::PacketRings, ask_rings(page_size));
        for family in Family::ALL {
            let sockets = answers.kept(Feature::SocketMemory, ask_sockets(family));
            answers.sockets.extend(sockets);
        }
        let pools = answers.kept(Feature::PagePools, ask_pools()).into_iter();
        let named = pools.map(|pool| (pool, pool.ifindex.and_then(device)));
        answers.pools = named.collect();
        answers
    }

    fn kept<T>(&mut self, feature: Feature, answer: Result<Vec<T>, String>) -> Vec<T> {
        answer.unwrap_or_else(|reason| {
            self.failed.push((feature, reason));
            Vec::new()
        })
    }
}

fn ask_rings(page_size: u64) -> Result<Vec<RingSocket>, String> {
    let mut rings = Vec::new();
    let request = dump(BY_FAMILY, &packet_diag::request());
    let answer = ask(netlink::SOCK_DIAG, &request, |message| {
        rings.extend(packet_diag::socket(message, page_size));
    });
    match answer {
        Ok(()) => Ok(rings),
        Err(error) => Err(unasked("packet sockets", "CONFIG_PACKET_DIAG", &error)),
    }
}

fn ask_sockets(family: Family) -> Result<Vec<Socket>, String> {
    let mut sockets = Vec::new();
    let request = dump(BY_FAMILY, &family.request());
    let answer = ask(netlink::SOCK_DIAG, &request, |message| {
        sockets.extend(family.socket(message));
    });
    match answer {
        Ok(()) => Ok(sockets),
        Err(error) => Err(unasked(family.what(), family.option(), &error)),
    }
}

/// Needs Linux 6.8, which has the family `netdev` with page pools.
fn ask_pools() -> Result<Vec<PagePool>, String> {
    let unasked = |error| unasked("page pools", "Linux 6.8", &error);
    let mut family = None;
    let control = request(page_pool::CONTROL, &page_pool::family_request());
    ask(netlink::GENERIC, &control, |message| {
        family = page_pool::family(message);
    })
    .map_err(unasked)?;
    let missing = || unasked(io::ErrorKind::NotFound.into());
    let mut pools = Vec::new();
    let all = dump(family.ok_or_else(missing)?, &page_pool::request());
    ask(netlink::GENERIC, &all, |message| {
        pools.extend(page_pool::pool(message));
    })
    .map_err(unasked)?;
    Ok(pools)
}

/// The kernel answers "not found" or "not supported" to what it was built without.
fn unasked(what: &str, option: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::Unsupported => {
            format!("this kernel does not list {what}, which needs {option}")
        }
        _ => format!("cannot list {what}: {error}"),
    }
}

/// The name of a device, in the namespace of this thread.
fn device(ifindex: u32) -> Option<String> {
    let any_socket = socket(AddressFamily::UNIX, SocketType::DGRAM, None);
    index_to_name(any_socket.ok()?, ifindex).ok()
}
