//! A known holder beside pages that come and go.

use std::{
    fs,
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use pagetrace_tests::harness::{Leaker, Stress, eventually, is_emulated, note, root_or_skip, skip};

use super::{Account, Report, page};
use crate::LEAK;

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

/// The variable that says how many walks each test does; else a few.
const WALKS: &str = "PAGETRACE_WALKS";

/// Full pipes and unread datagrams of two processes, which every walk has to find.
struct Truth {
    pipes: Leaker,
    datagrams: Leaker,
    /// What the datagrams have, as found before the load began: a walk then is exact (`kinds`).
    in_datagrams: Account,
}

impl Truth {
    fn start() -> Self {
        let datagrams = Leaker::start(LEAK, &["unix-dgrams", "--count", "200"]);
        let in_datagrams = Report::now().of_process(datagrams.pid()).account;
        assert_eq!(in_datagrams.payload_bytes, 200 * 32_768);
        assert!(in_datagrams.pinned_bytes >= in_datagrams.payload_bytes);
        assert_eq!(in_datagrams.frees_bytes, in_datagrams.pinned_bytes);
        Self {
            pipes: Leaker::start(LEAK, &["pipes", "--count", "500", "--pages", "16"]),
            datagrams,
            in_datagrams,
        }
    }

    /// Walks again and again; each has to find what is there, and nobody else for it.
    fn is_found(&self, beside: &str) {
        let few = if is_emulated() { 5 } else { 30 };
        let walks = std::env::var(WALKS).map_or(few, |it| it.parse().expect("a number"));
        let mut races = 0;
        for _ in 0..walks {
            let report = Report::now();
            self.check(&report);
            races += u64::from(report.losses.as_object().is_some_and(|losses| {
                losses
                    .values()
                    .any(|it| it.as_u64().is_some_and(|it| it > 0))
            }));
        }
        note(&format!(
            "beside {beside}: {walks} walks, {races} of them with races, 0 wrong holders"
        ));
    }

    fn check(&self, report: &Report) {
        let pipes = report.of(self.pipes.pid());
        assert_eq!(pipes.len(), 500, "{pipes:#?}");
        // That to close it frees all says that no other was found to hold any of it.
        let alone = Account {
            pinned_bytes: 16 * page(),
            payload_bytes: 16 * page(),
            references_found: 16,
            references_counted: 16,
            frees_bytes: 16 * page(),
        };
        for pipe in pipes {
            assert_eq!(pipe.kind, "pipe");
            assert_eq!(pipe.account, alone, "{pipe:#?}");
        }
        let datagrams = report.of_process(self.datagrams.pid()).account;
        let sockets = report.of(self.datagrams.pid()).into_iter();
        let incomplete: Vec<_> = sockets
            .filter(|it| it.account.frees_bytes != it.account.pinned_bytes)
            .collect();
        let losses = &report.losses;
        assert_eq!(datagrams, self.in_datagrams, "{losses:#}, {incomplete:#?}");
    }
}

#[test]
fn no_walk_on_an_idle_machine_names_a_wrong_holder() {
    let Some(_machine) = root_or_skip("no_walk_on_an_idle_machine_names_a_wrong_holder") else {
        return;
    };
    Truth::start().is_found("nothing");
}

#[test]
fn no_walk_beside_churn_names_a_wrong_holder() {
    let Some(_machine) = root_or_skip("no_walk_beside_churn_names_a_wrong_holder") else {
        return;
    };
    let truth = Truth::start();
    let mut churn = Churn::start();
    truth.is_found("churn");
    let ended = churn.0.try_wait().expect("our child");
    assert!(ended.is_none(), "there was churn all the time: {ended:?}");
}

#[test]
fn no_walk_beside_stress_names_a_wrong_holder() {
    let test = "no_walk_beside_stress_names_a_wrong_holder";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let truth = Truth::start();
    let load = [
        "--pipe",
        "1",
        "--sock",
        "1",
        "--sockpair",
        "1",
        "--fork",
        "1",
        "--mmap",
        "1",
    ];
    match Stress::start_in_the_background(&[&load[..], &["--mmap-bytes", "64M"]].concat()) {
        Some(_stress) => truth.is_found("stress-ng"),
        None => skip(test, "stress-ng is not installed"),
    }
}

#[test]
fn no_walk_beside_iperf_names_a_wrong_holder() {
    let test = "no_walk_beside_iperf_names_a_wrong_holder";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let truth = Truth::start();
    match Iperf::start() {
        Some(_iperf) => truth.is_found("iperf3"),
        None => skip(test, "iperf3 is not installed"),
    }
}

/// TCP over loopback as fast as it goes, until it is dropped.
struct Iperf {
    server: Child,
    client: Child,
}

impl Iperf {
    fn start() -> Option<Self> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
        let port = free.expect("loopback").port().to_string();
        let quiet = |arguments: &[&str]| {
            let mut command = Command::new("iperf3");
            command
                .args(arguments)
                .args(["-p", &port])
                .stdin(Stdio::null());
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()
        };
        let server = quiet(&["-s", "-1", "-B", "127.0.0.1"]).ok()?;
        eventually("iperf3 to listen", || {
            let listening = fs::read_to_string("/proc/net/tcp").expect("IPv4");
            let address = format!(
                "0100007F:{:04X} 00000000:0000 0A",
                port.parse::<u16>().ok()?
            );
            listening.contains(&address).then_some(())
        });
        let client = quiet(&["-c", "127.0.0.1", "-t", "0", "-P", "4"]).ok()?;
        Some(Self { server, client })
    }
}

impl Drop for Iperf {
    fn drop(&mut self) {
        for child in [&mut self.client, &mut self.server] {
            // Fails only if it has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
