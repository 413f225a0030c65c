//! What the kernel answers about one network namespace: that of the calling thread.

use std::io;

use rustix::net::{AddressFamily, SocketType, netdevice::index_to_name, netlink, socket};

use crate::{
    kernel::{
        host::{
            netlink::ask,
            sock_diag::{self, unasked},
        },
        netlink::{dump, request},
        packet_diag::RingSocket,
        page_pool::{self, PagePool},
        sock_diag::{Family, Socket},
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
        answers.rings = answers.kept(Feature::PacketRings, sock_diag::rings(page_size));
        for family in Family::ALL {
            let sockets = answers.kept(Feature::SocketMemory, sock_diag::sockets(family));
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

/// The name of a device, in the namespace of this thread.
fn device(ifindex: u32) -> Option<String> {
    let any_socket = socket(AddressFamily::UNIX, SocketType::DGRAM, None);
    index_to_name(any_socket.ok()?, ifindex).ok()
}
