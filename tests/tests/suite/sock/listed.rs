//! `pagetrace sock` without a look into the kernel's memory: what the kernel lists.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, UdpSocket},
    os::unix::net::{UnixListener, UnixStream},
};

use pagetrace_tests::harness::{Finished, Leaker, Pagetrace, eventually, root_or_skip, skip};
use serde::Deserialize;

use crate::LEAK;

#[derive(Debug, Deserialize)]
struct Report {
    totals: Account,
    sockets: Vec<Socket>,
    losses: Option<serde_json::Value>,
    limitations: Vec<Limitation>,
}

/// What only a look into the kernel's memory tells, but for truesize, and rings of packet sockets.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Account {
    skbs: Option<u64>,
    payload_bytes: Option<u64>,
    truesize_bytes: Option<u64>,
    pinned_bytes: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Socket {
    pids: Vec<u32>,
    comm: Option<String>,
    fd: Option<u32>,
    holding: Option<String>,
    frees_bytes: Option<u64>,
    oldest_seconds: Option<f64>,
    #[serde(flatten)]
    account: Account,
    #[serde(flatten)]
    row: Row,
}

/// What the kernel lists and a look into its memory finds as well.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Row {
    protocol: String,
    state: String,
    local: Option<String>,
    remote: Option<String>,
    netns: u64,
    recv_q: Option<u64>,
    send_q: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Limitation {
    feature: String,
    reason: String,
}

/// The sockets of a process by descriptor.
type Rows = BTreeMap<u32, Row>;

impl Report {
    fn of(args: &[&str]) -> Self {
        Self::read(&Pagetrace::new(&[&["sock", "--json", "-"], args].concat()).run())
    }

    fn read(finished: &Finished) -> Self {
        assert!(finished.status.success(), "{finished:#?}");
        serde_json::from_str(&finished.stdout).expect("JSON")
    }

    fn sockets(&self, leak: &Leaker) -> impl Iterator<Item = &Socket> {
        let sockets = self.sockets.iter();
        sockets.filter(|it| it.pids == [leak.pid()])
    }

    fn rows(&self, leak: &Leaker) -> Rows {
        let sockets = self.sockets(leak);
        let rows = sockets.filter_map(|it| Some((it.fd?, it.row.clone())));
        rows.collect()
    }

    /// Why sockets of this kernel are not listed, built as a module that this machine does not have.
    fn refusal(&self, option: &str) -> Option<&str> {
        let mut reasons = self.limitations.iter().map(|it| it.reason.as_str());
        reasons.find(|reason| reason.contains(option))
    }

    /// That nothing is said of what is not known, and why it is not.
    fn is_honest(&self, why: &str) {
        let first = self.limitations.first().expect("it is the first");
        assert_eq!(first.feature, "socket-queues");
        assert!(first.reason.contains(why), "{first:#?}");
        assert!(first.reason.contains("are not known"), "{first:#?}");
        assert_eq!(self.losses, None);
        assert_eq!((self.totals.skbs, self.totals.payload_bytes), (None, None));
        for socket in &self.sockets {
            let account = socket.account;
            assert_eq!((account.skbs, account.payload_bytes), (None, None));
            assert_eq!((socket.frees_bytes, socket.oldest_seconds), (None, None));
            let may_have_rings = socket.row.protocol == "packet";
            assert!(
                account.pinned_bytes.is_none() || may_have_rings,
                "{socket:#?}"
            );
        }
    }
}

/// Has the leak take its memory, and its sockets listed as a look into the kernel's memory finds them.
fn is_listed_as_found(test: &str, leak: &[&str], option: Option<&str>, unread: &Row) {
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let leak = Leaker::start(LEAK, leak);
    let without = Report::of(&["--no-bpf"]);
    if let Some(reason) = option.and_then(|option| without.refusal(option)) {
        skip(test, reason);
        return;
    }
    // Packets are on their way, and so are acknowledgements.
    let listed = eventually("both to agree", || {
        let (found, listed) = (Report::of(&[]), Report::of(&["--no-bpf"]));
        let rows = found.rows(&leak);
        (!rows.is_empty() && rows == listed.rows(&leak)).then_some(listed)
    });
    listed.is_honest("--no-bpf was given");
    let sockets = listed.sockets(&leak);
    let is_it = |row: &Row| {
        let states = [&row.state, &unread.state];
        (&row.protocol, row.recv_q) == (&unread.protocol, unread.recv_q)
            && (states[1].is_empty() || states[0] == states[1])
    };
    let full: Vec<_> = sockets.filter(|it| is_it(&it.row)).collect();
    assert!(!full.is_empty(), "{:#?}", listed.rows(&leak));
    for socket in full {
        assert_eq!(socket.comm.as_deref(), Some("leak"), "{socket:#?}");
        assert!(socket.fd.is_some() && socket.holding.is_none());
    }
}

fn unread(protocol: &str, state: &str, recv_q: u64) -> Row {
    Row {
        protocol: protocol.to_owned(),
        state: state.to_owned(),
        local: None,
        remote: None,
        netns: 0,
        recv_q: Some(recv_q),
        send_q: None,
    }
}

#[test]
fn an_unread_tcp_stream_is_listed_with_its_process() {
    const SENT: u64 = 8 * ((32 << 10) - 32);
    is_listed_as_found(
        "an_unread_tcp_stream_is_listed_with_its_process",
        &["tcp", "--connections", "20", "--blocks", "8"],
        None,
        &unread("tcp", "ESTAB", SENT),
    );
}

#[test]
fn an_unread_unix_stream_is_listed_with_its_process() {
    is_listed_as_found(
        "an_unread_unix_stream_is_listed_with_its_process",
        &["held", "unix-stream", "--count", "100"],
        Some("CONFIG_UNIX_DIAG"),
        &unread("unix-stream", "ESTAB", 100 * (32 << 10)),
    );
}

/// Of datagrams, `ss` has the first.
#[test]
fn unread_unix_datagrams_are_listed_with_their_process() {
    is_listed_as_found(
        "unread_unix_datagrams_are_listed_with_their_process",
        &["unix-dgrams", "--count", "30", "--size", "32768"],
        Some("CONFIG_UNIX_DIAG"),
        // Before Linux 5.15 such a pair has no state.
        &unread("unix-dgram", "", 32768),
    );
}

/// Has the leak take its memory: how much is up to the kernel, and the same by both ways.
fn has_its_memory(test: &str, args: &[&str], protocol: &str, data: u64) {
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let leak = Leaker::start(LEAK, args);
    let (found, listed) = eventually("the data to be there", || {
        let (found, listed) = (Report::of(&[]), Report::of(&["--no-bpf"]));
        let sockets = found.sockets(&leak);
        let payload: u64 = sockets.filter_map(|it| it.account.payload_bytes).sum();
        (payload == data).then_some((found, listed))
    });
    assert_eq!(found.rows(&leak), listed.rows(&leak));
    let receiver = |report: &Report| {
        let receiver = report.sockets(&leak).max_by_key(|it| it.row.recv_q);
        let receiver = receiver.expect("there is one");
        assert_eq!(receiver.row.protocol, protocol, "{receiver:#?}");
        assert!(receiver.row.recv_q >= Some(data), "{receiver:#?}");
        (receiver.row.recv_q, receiver.account.truesize_bytes)
    };
    let (memory, truesize) = receiver(&listed);
    assert_eq!(memory, truesize);
    assert_eq!(receiver(&found), (memory, truesize));
    let screen = Pagetrace::new(&["sock", "--no-bpf"]).run();
    let first = screen.stdout.lines().next().expect("a sentence");
    assert!(first.contains(" account for "), "{screen:#?}");
    let whose = format!("leak (pid {}, fd ", leak.pid());
    assert!(screen.stdout.contains(&whose), "{screen:#?}");
    let why = "No look into the queues of sockets: --no-bpf was given";
    assert!(screen.stdout.contains(why), "{screen:#?}");
}

#[test]
fn unread_datagrams_are_listed_with_their_memory() {
    has_its_memory(
        "unread_datagrams_are_listed_with_their_memory",
        &["held", "udp", "--count", "300"],
        "udp",
        300 * 32_000,
    );
}

/// By `/proc/net`, where the kernel has no `CONFIG_INET_RAW_DIAG`.
#[test]
fn unread_replies_of_a_raw_socket_are_listed_with_their_memory() {
    const IP_HEADER: u64 = 20;
    has_its_memory(
        "unread_replies_of_a_raw_socket_are_listed_with_their_memory",
        &["icmp", "--count", "100"],
        "raw",
        100 * (20_000 + IP_HEADER),
    );
}

/// Each is a packet in its queue.
#[test]
fn a_unix_listener_has_the_connections_that_wait() {
    let test = "a_unix_listener_has_the_connections_that_wait";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("listener");
    let _listener = UnixListener::bind(&path).expect("a new name");
    let _waiting = [(); 3].map(|()| UnixStream::connect(&path).expect("it listens"));
    let listed = Report::of(&["--no-bpf"]);
    if let Some(reason) = listed.refusal("CONFIG_UNIX_DIAG") {
        return skip(test, reason);
    }
    let own = |report: &Report| {
        let mut sockets = report.sockets.iter().map(|it| &it.row);
        let listener =
            sockets.find(|it| it.state == "LISTEN" && it.local.as_deref() == path.to_str());
        listener.expect("it is listed").clone()
    };
    assert_eq!(own(&listed).recv_q, Some(3));
    assert_eq!(own(&listed), own(&Report::of(&[])));
}

#[test]
fn connections_that_wait_are_listed_without_a_process() {
    let test = "connections_that_wait_are_listed_without_a_process";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    const SENT: u64 = 128 << 10;
    let leak = Leaker::start(LEAK, &["held", "not-accepted", "--count", "30"]);
    eventually("all connections to wait", || {
        let report = Report::of(&["--no-bpf"]);
        let mut own = report.sockets(&leak);
        let listener = own.find(|it| it.row.state == "LISTEN")?;
        let waiting = report.sockets.iter().filter(|it| {
            (&it.row.local, it.row.netns) == (&listener.row.local, listener.row.netns)
                && it.holding.as_deref() == Some("not-accepted")
        });
        let waiting = waiting.filter(|it| it.row.recv_q == Some(SENT) && it.pids.is_empty());
        (listener.row.recv_q == Some(30) && waiting.count() == 30).then_some(())
    });
}

#[test]
fn rings_are_all_that_is_known_of_page_frames() {
    let test = "rings_are_all_that_is_known_of_page_frames";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let leak = Leaker::start(LEAK, &["packet-ring", "--blocks", "64", "--order", "3"]);
    let report = Report::of(&["--no-bpf"]);
    if let Some(reason) = report.refusal("CONFIG_PACKET_DIAG") {
        return skip(test, reason);
    }
    let pinned: Vec<_> = report
        .sockets(&leak)
        .map(|it| it.account.pinned_bytes)
        .collect();
    assert_eq!(pinned, [Some(64 << 15)]);
    report.is_honest("--no-bpf was given");
}

#[test]
fn who_may_not_use_bpf_is_told_what_is_lost() {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
    let address = socket.local_addr().expect("it is bound").to_string();
    let report = Report::read(&Pagetrace::as_nobody(&["sock", "--json", "-"]).run());
    report.is_honest("cannot use BPF");
    let mut sockets = report.sockets.iter();
    let own = sockets.find(|it| it.row.local.as_ref() == Some(&address));
    assert_eq!(own.map(|it| it.row.protocol.as_str()), Some("udp"));
    let missing = |feature: &str| report.limitations.iter().any(|it| it.feature == feature);
    assert!(missing("descriptors"), "{:#?}", report.limitations);
}

#[test]
fn a_machine_without_btf_or_bpf_lists_its_sockets() {
    let test = "a_machine_without_btf_or_bpf_lists_its_sockets";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let leak = Leaker::start(LEAK, &["held", "udp", "--count", "100"]);
    let sock = || Pagetrace::new(&["sock", "--json", "-"]);
    let expected = Report::of(&["--no-bpf"]).rows(&leak);
    assert_eq!(expected.len(), 2, "{expected:#?}");
    for (degraded, why) in [
        (sock().seeing("/sys/kernel/btf/vmlinux", ""), "BTF"),
        (sock().failing_bpf(None, libc::ENOSYS), "CONFIG_BPF_SYSCALL"),
        (sock().failing_bpf(None, libc::EPERM), "forbids"),
    ] {
        let report = Report::read(&degraded.run());
        report.is_honest(why);
        assert_eq!(report.rows(&leak), expected);
    }
}
