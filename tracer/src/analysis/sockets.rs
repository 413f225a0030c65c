//! Sockets, as those who know networks look at them.

use std::{cmp::Reverse, collections::HashMap};

use jiff::Timestamp;

use super::holders::{About, accounts, holder};
use crate::model::{Found, Held, ProtocolTotals, Reference, Seconds, SocketEntry, SocketTotals};

/// Every socket that was found, most memory first.
pub fn sockets(found: &Found, held: &Held, about: &About, now: Timestamp) -> Vec<SocketEntry> {
    let is_object = |object: u32| (object != Reference::OTHERS).then_some(object);
    let accounts = accounts(held, is_object);
    let objects = found.objects.iter().zip(0..);
    let sockets = objects.filter(|(object, _)| object.socket.is_some());
    let mut entries: Vec<_> = sockets
        .filter_map(|(_, place)| {
            let entry = entry(found, about, place, now)?;
            let account = accounts.get(&place).copied().unwrap_or_default();
            Some(SocketEntry {
                pinned_bytes: account.pinned.saturating_mul(about.page_size),
                frees_bytes: account.frees.saturating_mul(about.page_size),
                ..entry
            })
        })
        .collect();
    entries.sort_by(|a, b| order(a).cmp(&order(b)));
    entries
}

fn order(it: &SocketEntry) -> (Reverse<u64>, &str, Option<u32>, Option<u32>) {
    (Reverse(it.memory_bytes()), &it.protocol, it.pid, it.fd)
}

fn entry(found: &Found, about: &About, place: u32, now: Timestamp) -> Option<SocketEntry> {
    let holder = holder(found, about, place)?;
    let (state, queues) = (holder.socket?, holder.queues?);
    Some(SocketEntry {
        pid: holder.pid,
        pids: holder.pids,
        comm: holder.comm,
        process_state: holder.state,
        fd: holder.fd,
        holding: holder.holding,
        cgroup: holder.cgroup,
        protocol: state.protocol,
        state: state.state,
        local: state.local,
        remote: state.remote,
        netns: state.netns,
        skbs: queues.skbs,
        payload_bytes: queues.payload_bytes,
        truesize_bytes: queues.truesize_bytes,
        pinned_bytes: 0,
        frees_bytes: 0,
        recv_q: state.recv_q,
        send_q: state.send_q,
        received_bytes: state.received_bytes,
        receive_limit_bytes: state.receive_limit_bytes,
        queued_bytes: state.queued_bytes,
        send_limit_bytes: state.send_limit_bytes,
        drops: state.drops,
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
        add(protocols.entry(&socket.protocol).or_default(), socket);
    }
    let mut protocols: Vec<_> = protocols
        .into_iter()
        .map(|(protocol, totals)| ProtocolTotals {
            protocol: protocol.to_owned(),
            totals,
        })
        .collect();
    let memory = |it: &SocketTotals| it.pinned_bytes.max(it.truesize_bytes);
    protocols.sort_by(|a, b| {
        (Reverse(memory(&a.totals)), &a.protocol).cmp(&(Reverse(memory(&b.totals)), &b.protocol))
    });
    (all, protocols)
}

fn add(totals: &mut SocketTotals, socket: &SocketEntry) {
    totals.sockets += 1;
    totals.skbs += socket.skbs;
    totals.payload_bytes += socket.payload_bytes;
    totals.truesize_bytes += socket.truesize_bytes;
    totals.pinned_bytes += socket.pinned_bytes;
}
