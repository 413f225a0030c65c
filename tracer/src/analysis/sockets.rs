//! Sockets, as those who know networks look at them.

use std::{cmp::Reverse, collections::HashMap};

use jiff::Timestamp;

use super::holders::{About, holder, object_accounts};
use crate::model::{Found, Held, ProtocolTotals, Seconds, SocketEntry, SocketTotals};

/// Every socket that was found, most memory first.
pub fn sockets(found: &Found, held: &Held, about: &About, now: Timestamp) -> Vec<SocketEntry> {
    let accounts = object_accounts(held);
    let objects = found.objects.iter().zip(0..);
    let sockets = objects.filter(|(object, _)| object.socket.is_some());
    let mut entries: Vec<_> = sockets
        .filter_map(|(_, place)| {
            let entry = entry(found, about, place, now)?;
            let account = accounts.get(&place).copied().unwrap_or_default();
            Some(SocketEntry {
                pinned_bytes: Some(account.pinned.saturating_mul(about.page_size)),
                frees_bytes: Some(account.frees.saturating_mul(about.page_size)),
                ..entry
            })
        })
        .collect();
    sort_sockets(&mut entries);
    entries
}

/// Most memory first.
pub fn sort_sockets(sockets: &mut [SocketEntry]) {
    sockets.sort_by(|a, b| order(a).cmp(&order(b)));
}

fn order(it: &SocketEntry) -> (Reverse<u64>, &str, Option<u32>, Option<u32>) {
    let (memory, owner) = (Reverse(it.memory_bytes()), &it.owner);
    (memory, &it.socket.protocol, owner.pid, owner.fd)
}

fn entry(found: &Found, about: &About, place: u32, now: Timestamp) -> Option<SocketEntry> {
    let holder = holder(found, about, place)?;
    let (socket, queues) = (holder.socket?, holder.queues?);
    Some(SocketEntry {
        owner: holder.owner,
        process_state: holder.state,
        socket,
        skbs: Some(queues.skbs),
        payload_bytes: Some(queues.payload_bytes),
        truesize_bytes: Some(queues.truesize_bytes),
        pinned_bytes: None,
        frees_bytes: None,
        oldest_ns: queues.oldest_ns,
        oldest_seconds: queues.oldest_ns.and_then(|it| age(it, now)),
        truncated: queues.truncated,
    })
}

/// How long ago this was, in nanoseconds since 1970; none of a time that is of another clock.
fn age(received: u64, now: Timestamp) -> Option<Seconds> {
    /// No packet waits a year.
    const LONGEST: std::time::Duration = std::time::Duration::from_secs(366 * 86_400);
    let received = Timestamp::from_nanosecond(received.into()).ok()?;
    let age = now.duration_since(received);
    let age = std::time::Duration::try_from(age).ok()?;
    (age < LONGEST).then(|| age.into())
}

/// The sums of all sockets, and those of each protocol, most memory first.
pub fn socket_totals(sockets: &[SocketEntry]) -> (SocketTotals, Vec<ProtocolTotals>) {
    let mut all = SocketTotals::default();
    let mut protocols = HashMap::<&str, SocketTotals>::new();
    for socket in sockets {
        add(&mut all, socket);
        add(
            protocols.entry(&socket.socket.protocol).or_default(),
            socket,
        );
    }
    let mut protocols: Vec<_> = protocols
        .into_iter()
        .map(|(protocol, totals)| ProtocolTotals {
            protocol: protocol.to_owned(),
            totals,
        })
        .collect();
    let memory = |it: &SocketTotals| it.pinned_bytes.max(it.truesize_bytes).unwrap_or(0);
    protocols.sort_by(|a, b| {
        (Reverse(memory(&a.totals)), &a.protocol).cmp(&(Reverse(memory(&b.totals)), &b.protocol))
    });
    (all, protocols)
}

fn add(totals: &mut SocketTotals, socket: &SocketEntry) {
    totals.sockets += 1;
    add_known(&mut totals.skbs, socket.skbs);
    add_known(&mut totals.payload_bytes, socket.payload_bytes);
    add_known(&mut totals.truesize_bytes, socket.truesize_bytes);
    add_known(&mut totals.pinned_bytes, socket.pinned_bytes);
}

fn add_known(sum: &mut Option<u64>, known: Option<u64>) {
    if let Some(known) = known {
        *sum = Some(sum.unwrap_or(0).saturating_add(known));
    }
}
