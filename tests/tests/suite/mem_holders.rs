//! `pagetrace mem`: who is known to hold what no counter shows.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
};

use pagetrace_tests::harness::{Leaker, Pagetrace, eventually, root_or_skip, skip};
use serde::Deserialize;

use crate::LEAK;

#[derive(Deserialize)]
struct Mem {
    unaccounted_bytes: i64,
    unexplained_bytes: i64,
    balance: Balance,
    snapshot: Snapshot,
}

#[derive(Deserialize)]
struct Balance {
    tree: Line,
}

#[derive(Deserialize)]
struct Line {
    name: String,
    bytes: i64,
    parts: Vec<Line>,
}

#[derive(Deserialize)]
struct Snapshot {
    holders: Vec<Holder>,
    limitations: Vec<Limitation>,
}

#[derive(Clone, Debug, Deserialize)]
struct Holder {
    kind: String,
    bytes: i64,
    certainty: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, Deserialize)]
struct Part {
    name: String,
    bytes: i64,
}

#[derive(Debug, Deserialize)]
struct Limitation {
    feature: String,
    reason: String,
    remedy: Option<String>,
}

impl Mem {
    fn now() -> Self {
        Self::of(Pagetrace::new(&["mem", "--json", "-"]))
    }

    fn of(pagetrace: Pagetrace) -> Self {
        let finished = pagetrace.run();
        assert!(finished.status.success(), "{finished:#?}");
        serde_json::from_str(&finished.stdout).expect("JSON")
    }

    /// The holder of this kind, if there is one.
    fn holder(&self, kind: &str) -> Option<&Holder> {
        self.snapshot.holders.iter().find(|it| it.kind == kind)
    }

    /// Its parts that belong to a process.
    fn parts_of(&self, kind: &str, pid: u32) -> Vec<Part> {
        let parts = self.holder(kind).into_iter().flat_map(|it| &it.parts);
        let of = format!("(pid {pid})");
        parts
            .filter(|part| part.name.contains(&of))
            .cloned()
            .collect()
    }

    /// What is below the line of what is unaccounted.
    fn explained(&self) -> &[Line] {
        let mut lines = self.balance.tree.parts.iter();
        let unaccounted = lines.find(|line| line.name == "unaccounted");
        &unaccounted.expect("it is always there").parts
    }
}

/// Whether the kernel lists sockets by this option: built as a module, it may be missing from
/// a machine, which then says so.
fn lists_by(option: &str, test: &str) -> bool {
    let limitations = Mem::now().snapshot.limitations;
    let mut reasons = limitations.iter().map(|it| &it.reason);
    let missing = reasons.find(|reason| reason.contains(option));
    missing.inspect(|reason| skip(test, reason)).is_none()
}

/// What is unaccounted and what is unexplained of it, the medians of a few readings: others take
/// and free meanwhile, and the kernel counts their pages a little late.
fn gaps() -> [i64; 2] {
    const READINGS: usize = 7;
    let mut readings = [const { Vec::new() }; 2];
    for _ in 0..READINGS {
        let mem = Mem::now();
        readings[0].push(mem.unaccounted_bytes);
        readings[1].push(mem.unexplained_bytes);
    }
    readings.map(|mut readings| {
        readings.sort_unstable();
        readings[READINGS / 2]
    })
}

/// What a leak of 16,384 pages takes, in bytes.
fn taken() -> i64 {
    16_384 * rustix::param::page_size() as i64
}

/// Has the leak hold 16,384 pages, and checks that they are unaccounted and explained by a holder of
/// this kind, which belongs to the leak.
fn explains(leak: &[&str], kind: &str, name: &str) -> Vec<Part> {
    // Others take up to 256 pages meanwhile.
    let (taken, others) = (taken(), taken() / 64);
    let before = gaps();
    let leak = Leaker::start(LEAK, leak);
    let after = gaps();
    let [unaccounted, unexplained] = [after[0] - before[0], after[1] - before[1]];
    assert!((unaccounted - taken).abs() <= others, "{unaccounted}");
    assert!(unexplained.abs() <= others, "{unexplained}");
    let mem = Mem::now();
    let holder = mem.holder(kind).expect("the leak is one");
    assert_eq!(holder.certainty, "exact");
    let line = mem.explained().iter().find(|line| line.name == name);
    assert_eq!(
        line.map(|line| line.bytes),
        Some(holder.bytes),
        "{holder:#?}"
    );
    mem.parts_of(kind, leak.pid())
}

#[test]
fn a_packet_ring_explains_what_is_unaccounted() {
    let test = "a_packet_ring_explains_what_is_unaccounted";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    if !lists_by("CONFIG_PACKET_DIAG", test) {
        return;
    }
    let ring = ["packet-ring", "--blocks", "1024", "--order", "4"];
    let parts = explains(&ring, "packet-rings", "AF_PACKET rings");
    let [part] = &parts[..] else {
        panic!("{parts:#?}")
    };
    assert_eq!(part.bytes, taken());
    assert!(!part.name.contains("netns"), "{part:?}");
}

#[test]
fn a_ring_in_another_network_namespace_is_found() {
    let test = "a_ring_in_another_network_namespace_is_found";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    if !lists_by("CONFIG_PACKET_DIAG", test) {
        return;
    }
    for keeper in ["process", "descriptor", "socket"] {
        let ring = ["packet-ring", "--blocks", "256", "--order", "6"];
        let ring = [&ring[..], &["--elsewhere", keeper]].concat();
        let parts = explains(&ring, "packet-rings", "AF_PACKET rings");
        let [part] = &parts[..] else {
            panic!("{keeper}: {parts:#?}")
        };
        assert_eq!(part.bytes, taken());
        assert!(part.name.contains(", netns "), "{keeper}: {part:?}");
    }
}

#[test]
fn a_block_takes_a_power_of_two_of_pages() {
    let test = "a_block_takes_a_power_of_two_of_pages";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    if !lists_by("CONFIG_PACKET_DIAG", test) {
        return;
    }
    let leak = Leaker::start(LEAK, &["packet-ring", "--blocks", "31", "--order", "3"]);
    let parts = Mem::now().parts_of("packet-rings", leak.pid());
    let bytes: Vec<_> = parts.iter().map(|part| part.bytes).collect();
    assert_eq!(bytes, [31 * 8 * rustix::param::page_size() as i64]);
}

#[test]
fn perf_rings_are_exact() {
    let Some(_machine) = root_or_skip("perf_rings_are_exact") else {
        return;
    };
    let leak = Leaker::start(LEAK, &["perf-rings", "--count", "8", "--order", "8"]);
    let mem = Mem::now();
    let parts = mem.parts_of("perf-rings", leak.pid());
    let bytes: i64 = parts.iter().map(|part| part.bytes).sum();
    assert_eq!(bytes, 8 * 257 * rustix::param::page_size() as i64);
    assert_eq!(
        mem.holder("perf-rings").map(|it| it.certainty.as_str()),
        Some("exact")
    );
}

#[test]
fn a_bpf_ring_buffer_explains_what_is_unaccounted() {
    let Some(_machine) = root_or_skip("a_bpf_ring_buffer_explains_what_is_unaccounted") else {
        return;
    };
    let ring = ["bpf-ring", "--order", "14"];
    let parts = explains(&ring, "bpf-ring-buffers", "BPF ring buffers");
    let bytes: Vec<_> = parts.iter().map(|part| part.bytes).collect();
    assert_eq!(bytes, [taken()]);
}

/// A connection to this very process, with this many bytes that it does not read.
fn unread(bytes: usize) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
    let address = listener.local_addr().expect("it is bound");
    let mut sender = TcpStream::connect(address).expect("it listens");
    let (receiver, _) = listener.accept().expect("somebody connects");
    sender.write_all(&vec![7; bytes]).expect("there is room");
    eventually("the bytes to arrive", || {
        let mut arrived = vec![0; bytes];
        (receiver.peek(&mut arrived).ok() == Some(bytes)).then_some(())
    });
    (sender, receiver)
}

#[test]
fn unread_bytes_are_an_upper_bound() {
    let test = "unread_bytes_are_an_upper_bound";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    if !lists_by("CONFIG_INET_TCP_DIAG", test) {
        return;
    }
    // Less than the first window of any kernel, which grows only for whoever reads.
    const SENT: usize = 20_000;
    let (sender, mut receiver) = unread(SENT);
    let mem = Mem::now();
    let sockets = mem.holder("sockets").expect("ours has bytes");
    assert_eq!(sockets.certainty, "at-most");
    assert!(mem.explained().iter().all(|line| line.name != "sockets"));
    let address = receiver.local_addr().expect("it is connected");
    let name = format!("tcp {address} -> {}", sender.local_addr().expect("it, too"));
    let parts = mem.parts_of("sockets", std::process::id());
    let part = parts.iter().find(|part| part.name.starts_with(&name));
    let part = part.unwrap_or_else(|| panic!("{name}: {sockets:#?}"));
    assert!(part.bytes >= SENT as i64, "{part:?}");
    receiver
        .read_exact(&mut [0; SENT])
        .expect("all has arrived");
}

#[test]
fn who_is_not_root_is_told_what_it_takes() {
    let mem = Mem::of(Pagetrace::as_nobody(&["mem", "--json", "-"]));
    let limitations = &mem.snapshot.limitations;
    for feature in ["descriptors", "bpf-memory"] {
        let found = limitations.iter().find(|it| it.feature == feature);
        let found = found.unwrap_or_else(|| panic!("{feature}: {limitations:#?}"));
        assert!(!found.reason.is_empty());
        assert_eq!(found.remedy.as_deref(), Some("run it as root"));
    }
}
