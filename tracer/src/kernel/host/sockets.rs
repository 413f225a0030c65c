//! Every socket as the kernel lists it, in all network namespaces: without a look into its memory.

mod listing;

use std::collections::{BTreeSet, HashMap};

use anyhow::Error;

use self::listing::{Listing, Seen};
use super::{
    descriptors::{pass, passed},
    namespaces::{self, Namespace, Namespaces},
    owners::Owners,
    processes::{memory_cgroup, process_folder},
};
use crate::{
    kernel::process::stat,
    model::{Feature, HeldBy, Limitation, ObjectOwner, SocketEntry, SocketOwner, SocketState},
};

/// All sockets, in no order, and what could not be read.
pub fn sockets() -> (Vec<SocketEntry>, Vec<Limitation>) {
    let mut machine = Machine::default();
    let (mut namespaces, mut owners) = (Namespaces::default(), Owners::default());
    let pass = pass(&mut [&mut namespaces, &mut owners]);
    machine.limitations.extend(passed(pass));
    let namespaces = namespaces.all();
    machine.visit(&namespaces);
    let inodes = machine.inodes();
    machine.visit(&owners.other_namespaces(&inodes, &namespaces));
    machine.add_limitations(&owners);
    let mut processes = Known::default();
    let seen = machine.seen.into_iter();
    let entries = seen.map(|seen| entry(seen, &owners, &mut processes));
    (entries.collect(), machine.limitations)
}

/// What all namespaces have.
#[derive(Default)]
struct Machine {
    seen: Vec<Seen>,
    failed: BTreeSet<(Feature, String)>,
    closed: Vec<Error>,
    limitations: Vec<Limitation>,
}

impl Machine {
    fn visit(&mut self, namespaces: &[Namespace]) {
        let closed = namespaces::visit(namespaces, |namespace| {
            let listing = Listing::of(namespace.inode);
            self.seen.extend(listing.seen);
            self.failed.extend(listing.failed);
        });
        self.closed.extend(closed);
    }

    fn inodes(&self) -> BTreeSet<u64> {
        self.seen.iter().map(|it| it.inode).collect()
    }

    fn add_limitations(&mut self, owners: &Owners) {
        let failed = std::mem::take(&mut self.failed).into_iter();
        let failed = failed.map(|(feature, reason)| feature.degraded(reason));
        self.limitations.extend(failed);
        self.limitations
            .extend(namespaces::limitation(&self.closed));
        let inodes = self.inodes();
        let unlisted = owners.inodes().filter(|it| !inodes.contains(it)).count();
        if unlisted > 0 {
            let reason = format!(
                "{unlisted} that processes have descriptors of are of families that it does not list"
            );
            self.limitations
                .push(Feature::SocketMemory.degraded(reason));
        }
    }
}

/// A process that has sockets.
#[derive(Clone, Default)]
struct Process {
    name: Option<String>,
    state: Option<char>,
    cgroup: Option<String>,
}

/// Processes, each read once.
#[derive(Default)]
struct Known(HashMap<u32, Process>);

impl Known {
    fn process(&mut self, pid: u32) -> Process {
        let process = self.0.entry(pid).or_insert_with(|| read(pid));
        process.clone()
    }
}

fn read(pid: u32) -> Process {
    let line = process_folder(pid).and_then(|folder| folder.read("stat", 4096));
    let stat = line.ok().and_then(|line| stat(&line));
    Process {
        state: stat.as_ref().map(|it| it.state),
        name: stat.map(|it| it.name),
        cgroup: memory_cgroup(pid),
    }
}

fn entry(seen: Seen, owners: &Owners, processes: &mut Known) -> SocketEntry {
    let descriptors = owners.descriptors(seen.inode);
    let first = descriptors.first();
    let process = first.map(|(pid, _)| processes.process(*pid));
    let process = process.unwrap_or_default();
    let mut pids: Vec<_> = descriptors.iter().map(|(pid, _)| *pid).collect();
    pids.dedup();
    let belongs_to = match (seen.inode, first) {
        (0, _) => SocketOwner::Nobody,
        (_, Some(_)) => SocketOwner::File,
        (_, None) => SocketOwner::Unknown,
    };
    SocketEntry {
        owner: ObjectOwner {
            pid: first.map(|(pid, _)| *pid),
            pids,
            comm: process.name,
            fd: first.map(|(_, number)| *number),
            holding: holding(belongs_to, &seen.state.state),
            cgroup: process.cgroup,
        },
        process_state: process.state,
        truesize_bytes: seen.truesize_bytes,
        pinned_bytes: seen.ring_bytes,
        socket: SocketState {
            belongs_to,
            ..seen.state
        },
        ..SocketEntry::default()
    }
}

/// How a socket is held that no process was seen to have a descriptor of. Who closes a connection sends
/// an end first, and so leaves these states (`tcp_close_state`, net/ipv4/tcp.c).
fn holding(belongs_to: SocketOwner, state: &str) -> Option<HeldBy> {
    match (belongs_to, state) {
        (SocketOwner::File, _) => None,
        (SocketOwner::Nobody, "ESTAB" | "CLOSE-WAIT") => Some(HeldBy::NotAccepted),
        (SocketOwner::Nobody, _) => Some(HeldBy::Orphan),
        _ => Some(HeldBy::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_closed_a_connection_is_told_from_who_has_not_accepted_it() {
        let nobody = |state| holding(SocketOwner::Nobody, state);
        assert_eq!(nobody("ESTAB"), Some(HeldBy::NotAccepted));
        assert_eq!(nobody("CLOSE-WAIT"), Some(HeldBy::NotAccepted));
        assert_eq!(nobody("FIN-WAIT-1"), Some(HeldBy::Orphan));
        assert_eq!(nobody("LAST-ACK"), Some(HeldBy::Orphan));
        assert_eq!(holding(SocketOwner::File, "ESTAB"), None);
    }

    #[test]
    fn an_own_socket_is_seen_with_its_process() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("loopback");
        let address = socket.local_addr().expect("it is bound").to_string();
        let (sockets, _) = sockets();
        let own = sockets
            .iter()
            .find(|it| it.socket.protocol == "udp" && it.socket.local.as_ref() == Some(&address));
        let own = own.unwrap_or_else(|| panic!("{address}: {sockets:#?}"));
        assert!(own.owner.pids.contains(&std::process::id()), "{own:#?}");
        assert_eq!((own.socket.recv_q, own.skbs), (Some(0), None));
    }
}
