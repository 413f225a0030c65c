//! The sockets of one network namespace: that of the calling thread.

use std::{collections::HashMap, fs, io};

use crate::{
    kernel::{
        host::sock_diag,
        proc_net::{Listed, Table},
        sock_diag::{Family, Protocol, Socket},
    },
    model::{Feature, SocketState},
};

/// A socket as it is listed.
pub(super) struct Seen {
    /// 0 if no descriptor refers to it.
    pub(super) inode: u64,
    pub(super) state: SocketState,
    /// What its packets account for; none where that is not told, or what it is.
    pub(super) truesize_bytes: Option<u64>,
    /// Bytes of its rings, if it has some.
    pub(super) ring_bytes: Option<u64>,
}

/// All of them.
#[derive(Default)]
pub(super) struct Listing {
    pub(super) seen: Vec<Seen>,
    /// What was not told, and why.
    pub(super) failed: Vec<(Feature, String)>,
}

impl Listing {
    /// Asks about everything.
    pub(super) fn of(netns: u64) -> Self {
        let mut listing = Self::default();
        for family in Family::ALL {
            listing.ask(family);
        }
        let others = Table::OTHERS.into_iter();
        // A protocol that the kernel does not have has no file.
        let others = others.filter_map(|table| read(table).ok()).flatten();
        listing.seen.extend(others);
        listing.add_rings();
        for seen in &mut listing.seen {
            seen.state.netns = netns;
        }
        listing
    }

    /// Adds sockets by `sock_diag`, or as far as `/proc/net` has them.
    fn ask(&mut self, family: Family) {
        let reason = match sock_diag::sockets(family) {
            Ok(sockets) => {
                self.seen.extend(sockets.into_iter().map(of_sock_diag));
                return;
            }
            Err(reason) => reason,
        };
        let (table, lost) = table(family);
        let reason = match read(table) {
            Ok(sockets) => {
                self.seen.extend(sockets);
                let name = table.name.trim_end_matches('6');
                format!("{reason}; /proc/net/{name} has them without their {lost}")
            }
            Err(_) => reason,
        };
        self.failed.push((Feature::SocketMemory, reason));
    }

    fn add_rings(&mut self) {
        let page_size = rustix::param::page_size() as u64;
        let rings = match sock_diag::rings(page_size) {
            Ok(rings) => rings,
            Err(reason) => return self.failed.push((Feature::PacketRings, reason)),
        };
        let rings = rings.iter().map(|it| (u64::from(it.inode), it.bytes));
        let rings: HashMap<_, _> = rings.collect();
        for seen in &mut self.seen {
            seen.ring_bytes = rings.get(&seen.inode).copied();
        }
    }
}

/// The file that has a family's sockets, and what it does not tell of them.
const fn table(family: Family) -> (Table, &'static str) {
    let [[tcp, tcp6], [udp, udp6], [raw, raw6]] = [Table::TCP, Table::UDP, Table::RAW];
    match family {
        Family::V4(Protocol::Tcp) => (tcp, "memory"),
        Family::V6(Protocol::Tcp) => (tcp6, "memory"),
        Family::V4(Protocol::Udp) => (udp, "limits"),
        Family::V6(Protocol::Udp) => (udp6, "limits"),
        Family::V4(Protocol::Raw) => (raw, "limits"),
        Family::V6(Protocol::Raw) => (raw6, "limits"),
        Family::Unix => (Table::UNIX, "queues and memory"),
        Family::Netlink => (Table::NETLINK, "limits"),
        Family::Packet => (Table::PACKET, "limits and what they send"),
    }
}

/// By the folder of this thread, whose network namespace may be another than that of the process.
fn read(table: Table) -> io::Result<Vec<Seen>> {
    let text = fs::read(format!("/proc/thread-self/net/{}", table.name))?;
    // Names of unix sockets may be anything.
    let text = String::from_utf8_lossy(&text);
    Ok(table.sockets(&text).map(of_proc_net).collect())
}

fn of_sock_diag(socket: Socket) -> Seen {
    let bytes = socket.memory.packet_bytes();
    let is_unix = socket.state.protocol.starts_with("unix");
    // What it was sent is in the account of whoever sent it (`unix_dgram_sendmsg`).
    let is_told = !is_unix || bytes > 0 || socket.state.recv_q == Some(0);
    Seen {
        inode: socket.inode.into(),
        state: socket.state,
        truesize_bytes: is_told.then_some(bytes),
        ring_bytes: None,
    }
}

/// Queues of other protocols than TCP are in bytes of memory; a unix socket's are not told.
fn of_proc_net(listed: Listed) -> Seen {
    let state = listed.state;
    let queues = state.received_bytes.zip(state.send_q);
    Seen {
        inode: listed.inode,
        truesize_bytes: queues.map(|(received, sent)| received.saturating_add(sent)),
        state,
        ring_bytes: None,
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        net::{TcpListener, TcpStream, UdpSocket},
        os::{fd::AsFd, unix::net::UnixListener},
        thread,
    };

    use super::*;

    fn own(seen: impl IntoIterator<Item = Seen>, socket: &impl AsFd) -> SocketState {
        let number = rustix::fs::fstat(socket).expect("it is open").st_ino;
        let own = seen.into_iter().find(|it| it.inode == number);
        own.expect("it is listed").state
    }

    /// Whether `/proc/net` has a socket, and says the same of it as `sock_diag`, as far as both say
    /// something.
    fn agree(family: Family, socket: &impl AsFd) {
        let seen = read(table(family).0).expect("the kernel has it");
        let read = own(seen, socket);
        let Ok(listed) = sock_diag::sockets(family) else {
            return;
        };
        let listed = own(listed.into_iter().map(of_sock_diag), socket);
        let known = SocketState {
            recv_q: read.recv_q.and(listed.recv_q),
            send_q: read.send_q.and(listed.send_q),
            received_bytes: read.received_bytes.and(listed.received_bytes),
            receive_limit_bytes: None,
            queued_bytes: None,
            send_limit_bytes: None,
            drops: read.drops.and(listed.drops),
            ..listed
        };
        assert_eq!(read, known);
    }

    #[test]
    fn both_ways_say_the_same() {
        const V4_TCP: Family = Family::V4(Protocol::Tcp);
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("it is bound");
        let mut sender = TcpStream::connect(address).expect("it listens");
        let (receiver, _) = listener.accept().expect("somebody connects");
        sender.write_all(&[7; 20_000]).expect("there is room");
        let mut all = [0; 20_000];
        while receiver.peek(&mut all).expect("it is connected") < all.len() {
            thread::yield_now();
        }
        agree(V4_TCP, &listener);
        agree(V4_TCP, &receiver);
        let udp = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        udp.send_to(&[7; 100], udp.local_addr().expect("it is bound"))
            .expect("there is room");
        udp.peek(&mut [0]).expect("it has arrived");
        agree(Family::V4(Protocol::Udp), &udp);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let unix = UnixListener::bind(folder.path().join("a name")).expect("a new name");
        agree(Family::Unix, &unix);
    }
}
