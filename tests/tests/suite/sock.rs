//! `pagetrace sock`: every socket with what its queues hold, in all network namespaces.

mod listed;

use std::{fs, os::unix::fs::MetadataExt as _};

use pagetrace_tests::{
    harness::{Leaker, Pagetrace, eventually, root_or_skip, skip},
    leaks::HeldKind,
};
use serde::Deserialize;

use crate::LEAK;

#[derive(Debug, Deserialize)]
struct Report {
    schema: String,
    totals: Totals,
    protocols: Vec<Protocol>,
    sockets: Vec<Socket>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Totals {
    sockets: u64,
    skbs: u64,
    payload_bytes: u64,
    truesize_bytes: u64,
    pinned_bytes: u64,
}

#[derive(Debug, Deserialize)]
struct Protocol {
    protocol: String,
    #[serde(flatten)]
    totals: Totals,
}

#[derive(Clone, Debug, Deserialize)]
struct Socket {
    pids: Vec<u32>,
    comm: Option<String>,
    fd: Option<u32>,
    holding: Option<String>,
    protocol: String,
    state: String,
    local: Option<String>,
    remote: Option<String>,
    netns: u64,
    skbs: u64,
    payload_bytes: u64,
    truesize_bytes: u64,
    pinned_bytes: u64,
    frees_bytes: u64,
    recv_q: u64,
    send_q: u64,
    received_bytes: u64,
    receive_limit_bytes: u64,
    truncated: bool,
}

impl Report {
    fn now() -> Self {
        let finished = Pagetrace::new(&["sock", "--json", "-"]).run();
        assert!(finished.status.success(), "{finished:#?}");
        let report: Self = serde_json::from_str(&finished.stdout).expect("JSON");
        assert_eq!(report.schema, "pagetrace.sockets/1");
        report
    }

    /// The sockets of the leak, of this protocol.
    fn of(&self, leak: &Leaker, protocol: &str) -> Vec<&Socket> {
        let sockets = self.sockets.iter();
        let sockets = sockets.filter(|it| it.pids == [leak.pid()] && it.protocol == protocol);
        sockets.collect()
    }
}

/// The sockets of a leak once so many bytes of data are in them; the one with most first.
fn sockets(leak: &Leaker, protocol: &str, payload: u64) -> Vec<Socket> {
    eventually("the data to be there", || {
        let report = Report::now();
        let sockets = report.of(leak, protocol);
        for socket in &sockets {
            assert_eq!(socket.comm.as_deref(), Some("leak"), "{socket:#?}");
            assert!(!socket.truncated, "{socket:#?}");
        }
        let all: u64 = sockets.iter().map(|it| it.payload_bytes).sum();
        (all == payload).then(|| sockets.into_iter().cloned().collect())
    })
}

/// The number of our network namespace.
fn own_network() -> u64 {
    let network = fs::metadata("/proc/self/ns/net");
    network.expect("we are in one").ino()
}

#[test]
fn both_ends_of_a_tcp_connection_are_shown() {
    let Some(_machine) = root_or_skip("both_ends_of_a_tcp_connection_are_shown") else {
        return;
    };
    /// What `leak tcp` sends over each connection.
    const SENT: u64 = 8 * ((32 << 10) - 32);
    let leak = Leaker::start(LEAK, &["tcp", "--connections", "20", "--blocks", "8"]);
    let sockets = sockets(&leak, "tcp", 20 * SENT);
    assert_eq!(sockets.len(), 40, "{sockets:#?}");
    let (unread, senders): (Vec<_>, Vec<_>) = sockets.iter().partition(|it| it.recv_q > 0);
    assert_eq!(unread.len(), 20, "{sockets:#?}");
    for socket in unread {
        assert_eq!(socket.state, "ESTAB", "{socket:#?}");
        assert_eq!(socket.recv_q, SENT, "{socket:#?}");
        assert_eq!(socket.payload_bytes, SENT, "{socket:#?}");
        assert!(socket.pinned_bytes >= SENT, "{socket:#?}");
        assert!(socket.fd.is_some() && socket.holding.is_none());
        assert_ne!(socket.netns, own_network());
        let mut senders = senders.iter();
        let sender = senders.find(|it| it.local == socket.remote && it.remote == socket.local);
        let sender = sender.unwrap_or_else(|| panic!("{socket:#?} {sockets:#?}"));
        assert_eq!((sender.skbs, sender.send_q), (0, 0), "{sender:#?}");
        let local = socket.local.as_deref().expect("it is bound");
        assert!(local.starts_with("127.0.0.1:"), "{socket:#?}");
    }
}

#[test]
fn a_listener_that_accepts_nothing_has_the_connections() {
    let test = "a_listener_that_accepts_nothing_has_the_connections";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    const SENT: u64 = 128 << 10;
    let leak = Leaker::start(LEAK, &["held", "not-accepted", "--count", "30"]);
    let sockets = sockets(&leak, "tcp", 30 * SENT);
    let mut listeners = sockets.iter().filter(|it| it.state == "LISTEN");
    let listener = listeners.next().expect("there is one");
    assert!(listeners.next().is_none(), "{sockets:#?}");
    assert_eq!((listener.recv_q, listener.payload_bytes), (30, 0));
    assert_eq!(listener.remote, None);
    let waiting = sockets.iter().filter(|it| it.holding.is_some());
    let waiting: Vec<_> = waiting.collect();
    assert_eq!(waiting.len(), 30, "{sockets:#?}");
    for socket in waiting {
        assert_eq!(socket.holding.as_deref(), Some("not-accepted"));
        assert_eq!((socket.recv_q, socket.fd), (SENT, None), "{socket:#?}");
        assert_eq!(socket.local, listener.local);
    }
}

#[test]
fn a_udp_socket_has_every_datagram() {
    let Some(_machine) = root_or_skip("a_udp_socket_has_every_datagram") else {
        return;
    };
    let leak = Leaker::start(LEAK, &["held", "udp", "--count", "300"]);
    let sockets = sockets(&leak, "udp", 300 * 32_000);
    let [receiver, sender] = &sockets[..] else {
        panic!("{sockets:#?}")
    };
    assert_eq!(receiver.skbs, 300);
    assert_eq!(receiver.recv_q, receiver.received_bytes);
    assert!(receiver.recv_q >= receiver.payload_bytes, "{receiver:#?}");
    assert!(receiver.recv_q <= receiver.receive_limit_bytes);
    assert!(receiver.pinned_bytes >= receiver.payload_bytes);
    assert_eq!(receiver.frees_bytes, receiver.pinned_bytes);
    assert_eq!(
        (receiver.state.as_str(), &receiver.remote),
        ("UNCONN", &None)
    );
    assert_eq!((sender.state.as_str(), sender.skbs), ("ESTAB", 0));
    assert_eq!(sender.remote, receiver.local);
}

#[test]
fn a_unix_stream_has_every_byte() {
    let Some(_machine) = root_or_skip("a_unix_stream_has_every_byte") else {
        return;
    };
    let leak = Leaker::start(LEAK, &["held", "unix-stream", "--count", "300"]);
    let sockets = sockets(&leak, "unix-stream", 300 * (32 << 10));
    let [reader, writer] = &sockets[..] else {
        panic!("{sockets:#?}")
    };
    assert_eq!((reader.state.as_str(), reader.skbs), ("ESTAB", 300));
    assert_eq!(reader.recv_q, reader.payload_bytes);
    assert_eq!(reader.pinned_bytes, reader.payload_bytes);
    assert_eq!(reader.frees_bytes, reader.pinned_bytes);
    assert_eq!(reader.netns, own_network());
    assert_eq!((writer.skbs, writer.recv_q, writer.pinned_bytes), (0, 0, 0));
    assert!(writer.send_q >= reader.payload_bytes, "{writer:#?}");
}

/// A routing daemon that does not read its socket: its queue seems small, and all of a block that one
/// advertisement lies in stays.
#[test]
fn advertisements_pin_many_times_their_queue() {
    let test = "advertisements_pin_many_times_their_queue";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    if let Some(reason) = HeldKind::Advertisements.refusal() {
        return skip(test, &reason);
    }
    const COUNT: u64 = 2000;
    let leak = Leaker::start(LEAK, &["held", "advertisements", "--count", "2000"]);
    let sockets = sockets(&leak, "raw6", COUNT * 40);
    let [socket] = &sockets[..] else {
        panic!("{sockets:#?}")
    };
    assert_eq!((socket.skbs, socket.state.as_str()), (COUNT, "UNCONN"));
    assert_eq!(socket.local.as_deref(), Some("[::]:58"));
    assert_eq!(socket.remote, None);
    assert_ne!(socket.netns, own_network());
    assert_eq!(socket.recv_q, socket.received_bytes);
    assert!(socket.pinned_bytes >= 20 * socket.recv_q, "{socket:#?}");
    assert_eq!(socket.frees_bytes, socket.pinned_bytes);
    let screen = Pagetrace::new(&["sock"]).run();
    let first = screen.stdout.lines().next().expect("a sentence");
    assert!(
        first.contains(&format!("leak (pid {}", leak.pid())),
        "{screen:#?}"
    );
    assert!(screen.stdout.contains("raw6 [::]:58"), "{screen:#?}");
}

#[test]
fn the_totals_are_those_of_all_sockets() {
    let Some(_machine) = root_or_skip("the_totals_are_those_of_all_sockets") else {
        return;
    };
    let _leak = Leaker::start(LEAK, &["held", "udp", "--count", "100"]);
    let report = Report::now();
    assert_eq!(report.totals, totals(report.sockets.iter()));
    for protocol in &report.protocols {
        let sockets = report.sockets.iter();
        let sockets = sockets.filter(|it| it.protocol == protocol.protocol);
        assert_eq!(protocol.totals, totals(sockets), "{protocol:#?}");
    }
}

fn totals<'a>(sockets: impl Iterator<Item = &'a Socket> + Clone) -> Totals {
    let sum = |of: fn(&Socket) -> u64| sockets.clone().map(of).sum();
    Totals {
        sockets: sum(|_| 1),
        skbs: sum(|it| it.skbs),
        payload_bytes: sum(|it| it.payload_bytes),
        truesize_bytes: sum(|it| it.truesize_bytes),
        pinned_bytes: sum(|it| it.pinned_bytes),
    }
}
