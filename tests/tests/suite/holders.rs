//! `pagetrace holders`: who holds pages that were taken before it ran, to the page, and what is free
//! once they let go.

use std::{
    cmp::Reverse,
    fs,
    net::{Ipv4Addr, UdpSocket},
    process::{Child, Command, Stdio},
    thread,
};

use pagetrace_tests::{
    harness::{Leaker, Pagetrace, eventually, is_emulated, note, root_or_skip, skip, stay_on},
    leaks::HeldKind,
};
use rustix::{
    process::{Pid, Signal, kill_process},
    thread::{CpuSet, sched_getaffinity},
};
use serde::Deserialize;

use crate::LEAK;

const PAGE: u64 = 4096;
const MIB: u64 = 1 << 20;

/// What the kernel takes at once for the data of sockets.
const BLOCK: u64 = 32 << 10;

#[derive(Debug, Deserialize)]
struct Report {
    schema: String,
    totals: Totals,
    groups: Vec<Group>,
    holders: Vec<Holder>,
    losses: serde_json::Value,
}

#[derive(Debug, Deserialize)]
struct Totals {
    unexplained_bytes: u64,
    held_bytes: u64,
}

#[derive(Debug, Deserialize)]
struct Group {
    name: String,
    objects: usize,
    #[serde(flatten)]
    account: Account,
}

#[derive(Debug, Deserialize)]
struct Holder {
    kind: String,
    object: String,
    pid: Option<u32>,
    pids: Vec<u32>,
    comm: Option<String>,
    state: Option<char>,
    fd: Option<u32>,
    holding: Option<String>,
    cgroup: Option<String>,
    netns: Option<u64>,
    #[serde(flatten)]
    account: Account,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
struct Account {
    pinned_bytes: u64,
    payload_bytes: u64,
    references_found: u64,
    references_counted: u64,
    frees_bytes: u64,
}

impl Report {
    fn by(what: &str) -> Self {
        let finished = Pagetrace::new(&["holders", "--by", what, "--json", "-"]).run();
        assert!(finished.status.success(), "{finished:#?}");
        let report: Self = serde_json::from_str(&finished.stdout).expect("JSON");
        assert_eq!(report.schema, "pagetrace.holders/1");
        report
    }

    fn now() -> Self {
        Self::by("process")
    }

    /// What a process holds alone, each object of it: it has a stderr like ours, which may be a pipe.
    fn of(&self, pid: u32) -> Vec<&Holder> {
        let holders = self.holders.iter();
        holders.filter(|it| it.pids == [pid]).collect()
    }

    /// What a process holds alone, as a whole; of a report by process.
    fn of_process(&self, pid: u32) -> &Group {
        self.group(&format!("leak (pid {pid})"))
    }

    fn group(&self, name: &str) -> &Group {
        let group = self.groups.iter().find(|it| it.name == name);
        group.unwrap_or_else(|| panic!("{name}: {:#?}", self.groups))
    }
}

fn sum<'a>(accounts: impl IntoIterator<Item = &'a Account>, of: fn(&Account) -> u64) -> u64 {
    accounts.into_iter().map(of).sum()
}

/// What is known of a leak.
struct Known<'a> {
    args: &'a [&'a str],
    kind: &'a str,
    holding: Option<&'a str>,
    objects: usize,
    pages: Pages,
    /// Bytes of data in all objects.
    payload: u64,
}

/// Which pages an object holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pages {
    /// So many, alone.
    Each(u64),
    /// So many, each of which another holds as well.
    Shared(u64),
    /// What the data fill at least.
    OfData,
    /// Likewise, but for the last block of each CPU, which the kernel's own socket may have as well.
    OfReplies,
}

impl Known<'_> {
    /// Has the leak take its pages, finds who holds them, and has them given back.
    fn is_found(&self) {
        let leak = Leaker::start(LEAK, self.args);
        let report = self.look(leak.pid());
        let group = report.of_process(leak.pid()).account;
        self.holds(&report.of(leak.pid()));
        self.promises(group);
        drop(leak);
        self.keeps_the_promise(&report, group.frees_bytes);
    }

    /// What is seen once all data have arrived where they are held.
    fn look(&self, pid: u32) -> Report {
        eventually("the data to be there", || {
            let report = Report::now();
            let accounts = report.of(pid).into_iter().map(|it| &it.account);
            let payload = sum(accounts, |it| it.payload_bytes);
            note(&format!("{:?}: {payload} bytes of data", self.args));
            (payload == self.payload).then_some(report)
        })
    }

    fn holds(&self, holders: &[&Holder]) {
        assert_eq!(holders.len(), self.objects, "{holders:#?}");
        for holder in holders {
            assert_eq!(holder.pid, Some(holder.pids[0]), "{holder:#?}");
            assert_eq!(holder.comm.as_deref(), Some("leak"), "{holder:#?}");
            assert_eq!(holder.kind, self.kind, "{holder:#?}");
            assert_eq!(holder.holding.as_deref(), self.holding, "{holder:#?}");
            assert_eq!(holder.fd.is_some(), self.holding.is_none(), "{holder:#?}");
            let account = holder.account;
            assert_eq!(
                account.references_found, account.references_counted,
                "{holder:#?}"
            );
            match self.pages {
                Pages::Each(pages) => {
                    assert_eq!(account.pinned_bytes, pages * PAGE, "{holder:#?}");
                    assert_eq!(account.frees_bytes, account.pinned_bytes, "{holder:#?}");
                }
                Pages::Shared(pages) => {
                    assert_eq!(account.pinned_bytes, pages * PAGE, "{holder:#?}");
                    assert_eq!(account.frees_bytes, 0, "{holder:#?}");
                }
                Pages::OfData | Pages::OfReplies => {
                    assert!(account.pinned_bytes >= account.payload_bytes, "{holder:#?}");
                }
            }
        }
    }

    /// What the process promises as a whole.
    fn promises(&self, group: Account) {
        let (objects, pinned) = (self.objects as u64, group.pinned_bytes);
        match self.pages {
            Pages::Each(pages) => assert_eq!(pinned, objects * pages * PAGE),
            Pages::Shared(pages) => assert_eq!(pinned, objects / 2 * pages * PAGE),
            Pages::OfData | Pages::OfReplies => assert!(pinned >= self.payload, "{group:?}"),
        }
        assert_eq!(
            group.references_found, group.references_counted,
            "{group:?}"
        );
        let elsewhere = match self.pages {
            Pages::OfReplies => u64::from(cpus().count()) * BLOCK,
            _ => 0,
        };
        assert!(group.frees_bytes <= pinned, "{group:?}");
        assert!(group.frees_bytes >= pinned - elsewhere, "{group:?}");
    }

    /// What was promised is back once the process has ended.
    fn keeps_the_promise(&self, before: &Report, promised: u64) {
        let promised = self.unexplained(promised);
        // Others take pages meanwhile.
        let most = before.totals.unexplained_bytes - promised + promised / 16 + MIB / 2;
        eventually("what was promised to be back", || {
            receive_on_every_cpu();
            let now = Report::now().totals.unexplained_bytes;
            note(&format!("{:?}: {now} bytes left of {most}", self.args));
            (now <= most).then_some(())
        });
    }

    /// What of it no counter explains: of a datagram over a unix socket, what does not fit into 5 pages
    /// is a large kmalloc of 4, which is counted with slabs.
    fn unexplained(&self, promised: u64) -> u64 {
        match self.args[0] {
            "unix-dgrams" => promised / 9 * 5,
            _ => promised,
        }
    }
}

fn cpus() -> CpuSet {
    sched_getaffinity(None).expect("our own CPUs")
}

/// The buffers of a socket that is closed may wait on a list of their CPU until it receives again
/// (`skb_attempt_defer_free`, net/core/skbuff.c).
fn receive_on_every_cpu() {
    let receive = |cpu| {
        stay_on(cpu);
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.send_to(&[0], socket.local_addr()?)?;
        socket.recv(&mut [0])
    };
    let all = cpus();
    for cpu in (0..CpuSet::MAX_CPU).filter(|&cpu| all.is_set(cpu)) {
        let received = thread::scope(|scope| scope.spawn(|| receive(cpu)).join());
        received.expect("no panic").expect("loopback");
    }
}

/// Has the leak be found, if there is one on this machine.
fn find(test: &str, needs: Option<HeldKind>, known: &Known<'_>) {
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    match needs.and_then(HeldKind::refusal) {
        Some(reason) => skip(test, &reason),
        None => known.is_found(),
    }
}

#[test]
fn pipes_are_found_to_the_page() {
    let known = Known {
        args: &["pipes", "--count", "500", "--pages", "16"],
        kind: "pipe",
        holding: None,
        objects: 500,
        pages: Pages::Each(16),
        payload: 8000 * PAGE,
    };
    find("pipes_are_found_to_the_page", None, &known);
}

#[test]
fn pipes_of_a_mebibyte_are_found_to_the_page() {
    let known = Known {
        args: &["held", "large-pipes", "--count", "32"],
        kind: "pipe",
        holding: None,
        objects: 32,
        pages: Pages::Each(256),
        payload: 32 * MIB,
    };
    find("pipes_of_a_mebibyte_are_found_to_the_page", None, &known);
}

#[test]
fn of_pages_in_two_pipes_only_both_free_any() {
    let known = Known {
        args: &["held", "tee", "--count", "500"],
        kind: "pipe",
        holding: None,
        objects: 1000,
        pages: Pages::Shared(16),
        payload: 2 * 8000 * PAGE,
    };
    find("of_pages_in_two_pipes_only_both_free_any", None, &known);
}

#[test]
fn pipes_in_flight_belong_to_whom_they_were_sent() {
    let known = Known {
        args: &["held", "in-flight", "--count", "500"],
        kind: "pipe",
        holding: Some("in-flight"),
        objects: 500,
        pages: Pages::Each(16),
        payload: 8000 * PAGE,
    };
    find(
        "pipes_in_flight_belong_to_whom_they_were_sent",
        None,
        &known,
    );
}

#[test]
fn connections_that_wait_belong_to_the_listener() {
    let known = Known {
        args: &["held", "not-accepted", "--count", "100"],
        kind: "socket",
        holding: Some("not-accepted"),
        objects: 100,
        pages: Pages::OfData,
        payload: 100 * (128 << 10),
    };
    find("connections_that_wait_belong_to_the_listener", None, &known);
}

#[test]
fn unread_tcp_streams_are_found() {
    let known = Known {
        args: &["tcp", "--connections", "100", "--blocks", "8"],
        kind: "socket",
        holding: None,
        objects: 100,
        pages: Pages::OfData,
        payload: 100 * 8 * (BLOCK - 32),
    };
    find("unread_tcp_streams_are_found", None, &known);
}

#[test]
fn an_unread_unix_stream_is_found_to_the_page() {
    let known = Known {
        args: &["held", "unix-stream", "--count", "500"],
        kind: "socket",
        holding: None,
        objects: 1,
        pages: Pages::Each(500 * 8),
        payload: 500 * (32 << 10),
    };
    find("an_unread_unix_stream_is_found_to_the_page", None, &known);
}

#[test]
fn unread_unix_datagrams_are_found() {
    let known = Known {
        args: &["unix-dgrams", "--count", "500", "--size", "32768"],
        kind: "socket",
        holding: None,
        objects: 500_usize.div_ceil(datagrams_in_a_queue()),
        pages: Pages::OfData,
        payload: 500 * 32768,
    };
    find("unread_unix_datagrams_are_found", None, &known);
}

/// How many datagrams a unix socket queues before a sender has to wait.
fn datagrams_in_a_queue() -> usize {
    let limit = fs::read_to_string("/proc/sys/net/unix/max_dgram_qlen");
    let limit = limit.expect("unix sockets");
    limit.trim().parse().expect("a number")
}

#[test]
fn unread_udp_datagrams_are_found() {
    let known = Known {
        args: &["held", "udp", "--count", "500"],
        kind: "socket",
        holding: None,
        objects: 1,
        pages: Pages::OfData,
        payload: 500 * 32_000,
    };
    find("unread_udp_datagrams_are_found", None, &known);
}

#[test]
fn unread_echo_replies_are_found() {
    const IP_HEADER: u64 = 20;
    let known = Known {
        args: &["icmp", "--count", "500"],
        kind: "socket",
        holding: None,
        objects: 1,
        pages: Pages::OfReplies,
        payload: 500 * (20_000 + IP_HEADER),
    };
    find("unread_echo_replies_are_found", None, &known);
}

#[test]
fn unread_echo_replies_of_ipv6_are_found() {
    let known = Known {
        args: &["held", "raw6", "--count", "500"],
        kind: "socket",
        holding: None,
        objects: 1,
        pages: Pages::OfReplies,
        payload: 500 * 20_000,
    };
    let test = "unread_echo_replies_of_ipv6_are_found";
    find(test, Some(HeldKind::Raw6), &known);
}

#[test]
fn a_packet_ring_is_found_to_the_page() {
    let known = Known {
        args: &["packet-ring", "--blocks", "1024", "--order", "3"],
        kind: "packet-ring",
        holding: None,
        objects: 1,
        pages: Pages::Each(1024 * 8),
        payload: 0,
    };
    find("a_packet_ring_is_found_to_the_page", None, &known);
}

#[test]
fn a_packet_ring_without_a_descriptor_belongs_to_who_has_it_mapped() {
    let known = Known {
        args: &["held", "closed-ring", "--count", "1024"],
        kind: "packet-ring",
        holding: Some("mapping"),
        objects: 1,
        pages: Pages::Each(1024 * 8),
        payload: 0,
    };
    let test = "a_packet_ring_without_a_descriptor_belongs_to_who_has_it_mapped";
    find(test, None, &known);
}

#[test]
fn perf_rings_are_found_to_the_page() {
    let known = Known {
        args: &["perf-rings", "--count", "16", "--order", "8"],
        kind: "perf-ring",
        holding: None,
        objects: 16,
        pages: Pages::Each(257),
        payload: 0,
    };
    find("perf_rings_are_found_to_the_page", None, &known);
}

#[test]
fn io_urings_are_found_to_the_page() {
    let known = Known {
        args: &["held", "io-uring", "--count", "1000"],
        kind: "io-uring",
        holding: None,
        objects: 1000,
        pages: Pages::Each(2),
        payload: 0,
    };
    let test = "io_urings_are_found_to_the_page";
    find(test, Some(HeldKind::IoUring), &known);
}

#[test]
fn the_first_line_names_who_holds_most() {
    let Some(_machine) = root_or_skip("the_first_line_names_who_holds_most") else {
        return;
    };
    let leak = Leaker::start(LEAK, &["pipes", "--count", "4000", "--pages", "16"]);
    let screen = Pagetrace::new(&["holders"]).run();
    assert!(screen.status.success(), "{screen:#?}");
    let first = screen.stdout.lines().next().expect("a sentence");
    let most = format!("most have 4000 pipes, leak (pid {}, fd ", leak.pid());
    assert!(first.contains(&most), "{screen:#?}");
    assert!(first.ends_with(": 250.00 MiB"), "{screen:#?}");
    let promise = "references 64,000 of 64,000 found: to close them frees all of it";
    assert!(screen.stdout.contains(promise), "{screen:#?}");
    assert!(screen.stdout.lines().count() <= 24, "{screen:#?}");
}

#[test]
fn a_stopped_process_is_said_to_be() {
    let Some(_machine) = root_or_skip("a_stopped_process_is_said_to_be") else {
        return;
    };
    let leak = Leaker::start(LEAK, &["pipes", "--count", "1000", "--pages", "16"]);
    let pid = Pid::from_raw(leak.pid().cast_signed()).expect("a pid");
    kill_process(pid, Signal::STOP).expect("our child");
    eventually("the process to be stopped", || {
        let report = Report::now();
        let states = report.of(leak.pid()).into_iter().map(|it| it.state);
        states.into_iter().all(|it| it == Some('T')).then_some(())
    });
    let screen = Pagetrace::new(&["holders", "--verbose"]).run();
    let name = format!("1000 pipes, leak (pid {}, ", leak.pid());
    let mut rows = screen.stdout.lines().skip(1);
    let line = rows.find(|line| line.contains(&name));
    let line = line.unwrap_or_else(|| panic!("{screen:#?}"));
    assert!(line.ends_with("), stopped"), "{line}");
}

/// Whether all groups together are all objects, and none has more than its objects.
fn is_consistent(report: &Report) {
    let objects: usize = report.groups.iter().map(|it| it.objects).sum();
    assert_eq!(objects, report.holders.len(), "{:#?}", report.groups);
    let groups = report.groups.iter().map(|it| &it.account);
    let holders = report.holders.iter().map(|it| &it.account);
    let (pinned, payload) = (
        |it: &Account| it.pinned_bytes,
        |it: &Account| it.payload_bytes,
    );
    let all = sum(groups.clone(), pinned);
    assert!(all <= sum(holders.clone(), pinned), "{:#?}", report.groups);
    assert!(all >= report.totals.held_bytes, "{:#?}", report.groups);
    assert_eq!(sum(groups.clone(), payload), sum(holders, payload));
    assert!(groups.map(pinned).is_sorted_by_key(Reverse));
}

#[test]
fn whatever_the_groups_are_they_are_all_there_is() {
    let test = "whatever_the_groups_are_they_are_all_there_is";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let pipes = Leaker::start(LEAK, &["pipes", "--count", "500", "--pages", "16"]);
    let udp = Leaker::start(LEAK, &["held", "udp", "--count", "500"]);
    for by in [
        "holder", "object", "process", "kind", "cgroup", "netns", "device",
    ] {
        let report = Report::by(by);
        is_consistent(&report);
        let (pipes, udp) = (report.of(pipes.pid()), report.of(udp.pid()));
        assert_eq!((pipes.len(), udp.len()), (500, 1));
        let [pipe, udp] = [pipes[0], udp[0]];
        let pinned = sum(pipes.iter().map(|it| &it.account), |it| it.pinned_bytes);
        assert_eq!(pinned, 8000 * PAGE);
        let (name, least) = match by {
            "holder" => (several(&pipes), pinned),
            "object" => (one(udp), udp.account.pinned_bytes),
            "process" => (format!("leak (pid {})", pipe.pids[0]), pinned),
            "kind" => ("pipe".to_owned(), pinned),
            "cgroup" => (or_none(pipe.cgroup.clone(), "cgroup"), pinned),
            "netns" => (
                or_none(udp.netns, "network namespace"),
                udp.account.pinned_bytes,
            ),
            _ => ("(no device)".to_owned(), pinned),
        };
        let group = report.group(&name).account;
        assert!(group.pinned_bytes >= least, "{by}: {group:?}");
        assert_eq!(group.references_found, group.references_counted, "{by}");
    }
}

fn or_none(name: Option<impl ToString>, what: &str) -> String {
    name.map_or_else(|| format!("(no {what})"), |name| name.to_string())
}

fn several(pipes: &[&Holder]) -> String {
    let descriptors = pipes.iter().filter_map(|it| it.fd);
    let first = descriptors.clone().min().expect("they have some");
    let last = descriptors.max().expect("they have some");
    let (count, pid) = (pipes.len(), pipes[0].pids[0]);
    format!("{count} pipes, leak (pid {pid}, fd {first}-{last})")
}

fn one(socket: &Holder) -> String {
    let (object, pid) = (&socket.object, socket.pids[0]);
    let fd = socket.fd.expect("it has a descriptor");
    format!("{object}, leak (pid {pid}, fd {fd})")
}

#[test]
fn without_root_nobody_is_named() {
    let finished = Pagetrace::as_nobody(&["holders"]).run();
    assert!(!finished.refusal().is_empty());
}

/// Pages that come and go on all CPUs, until it is dropped.
struct Churn(Child);

impl Churn {
    fn start() -> Self {
        const LONGER_THAN_ANY_TEST: &str = "86400";
        let mut churn = Command::new(LEAK);
        let churn = churn.args(["churn", "--seconds", LONGER_THAN_ANY_TEST]);
        let child = churn.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        Self(child.expect("the helper program starts"))
    }
}

impl Drop for Churn {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn no_walk_beside_churn_names_a_wrong_holder() {
    let Some(_machine) = root_or_skip("no_walk_beside_churn_names_a_wrong_holder") else {
        return;
    };
    let leak = Leaker::start(LEAK, &["pipes", "--count", "500", "--pages", "16"]);
    let mut churn = Churn::start();
    for _ in 0..if is_emulated() { 5 } else { 30 } {
        let report = Report::now();
        let pipes = report.of(leak.pid());
        assert_eq!(pipes.len(), 500, "{pipes:#?}");
        // That to close it frees all says that no other was found to hold any of it.
        let alone = Account {
            pinned_bytes: 16 * PAGE,
            payload_bytes: 16 * PAGE,
            references_found: 16,
            references_counted: 16,
            frees_bytes: 16 * PAGE,
        };
        for pipe in pipes {
            assert_eq!(pipe.kind, "pipe");
            assert_eq!(pipe.account, alone, "{pipe:#?}");
        }
        note(&format!("beside churn: {}", report.losses));
    }
    let ended = churn.0.try_wait().expect("our child");
    assert!(ended.is_none(), "there was churn all the time: {ended:?}");
}
