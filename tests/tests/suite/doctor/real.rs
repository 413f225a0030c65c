//! Incidents of docs/incidents.md with the programs that they happened to, as Debian has them.

mod advertisements;
mod nginx;
mod virtio;
mod zebra;

use std::{io::Write as _, net::Ipv4Addr, path::Path, process::Command};

use pagetrace::model::{Gravity, HeldCause, ObjectKind, Reason};
use pagetrace_tests::harness::{
    Network, Pagetrace, eventually, is_emulated, note, root_or_skip, skip,
};

use self::{
    nginx::{Nginx, Uploads},
    zebra::Zebra,
};
use super::{Doctor, MIB, Told, clearly, window};

/// What a machine must have for `test`, beside its own speed; says what is missing.
fn is_possible(test: &str, needed: &[&str]) -> bool {
    let missing: Vec<_> = needed.iter().filter(|it| !Path::new(it).exists()).collect();
    if is_emulated() || !missing.is_empty() {
        let reason = format!("needs a machine that is not emulated, and has {missing:?}");
        skip(test, &reason);
        return false;
    }
    true
}

/// FRR's zebra opens a raw socket of ICMPv6, lets router advertisements in, and reads them only where
/// it is told to send some itself. Here each advertisement that it keeps is the only packet left of a
/// block of 32 KiB.
#[test]
fn a_routing_daemon_that_reads_no_advertisements() {
    let test = "a_routing_daemon_that_reads_no_advertisements";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    if !is_possible(test, &[zebra::PROGRAM, "/dev/net/tun"]) {
        return;
    }
    let network = Network::of_its_own();
    let mut tap = network.tap("tap0");
    let mut zebra = Zebra::start(&network);
    let doctor = Doctor::start(window(), &[]);
    let blocks = clearly(250 * MIB).div_ceil(advertisements::BLOCK);
    for frame in advertisements::frames(blocks as usize) {
        tap.write_all(frame).expect("the interface is up");
    }
    let told = doctor.told();
    note(&told.finished.stdout);
    told.is_severe(Gravity::Leak);
    is_the_socket(&told, &zebra);
    told.is_still_there();

    assert_eq!(command(&told), format!("kill {}", zebra.pid()));
    run(command(&told));
    zebra.ends();
    gives_back_pages(&told);
}

fn is_the_socket(told: &Told, zebra: &Zebra) {
    let (finding, held) = told.held();
    assert_eq!(held.owner.pid, Some(zebra.pid()), "{held:#?}");
    assert_eq!(held.owner.fd, Some(zebra.socket()), "{held:#?}");
    let socket = held.socket.as_ref().expect("it is one");
    assert_eq!(
        (held.object, socket.protocol.as_str()),
        (ObjectKind::Socket, "raw6")
    );
    assert!(finding.bytes >= 200 * MIB, "{finding:#?}");
    let recv_q = socket.recv_q.expect("it was read");
    assert!((30..=45).contains(&(finding.bytes / recv_q)), "{held:#?}");
    assert!(
        finding.bytes > 100 * held.account.payload_bytes,
        "{finding:#?}"
    );
    are_reasons(held, &[Reason::Grew, Reason::Wasteful]);
    let taken_by = held.taken_by.as_ref().expect("it was traced");
    assert_eq!(taken_by.function, "tun_build_skb", "{taken_by:#?}");
    let answer = told.answer();
    for part in ["raw6 [::]:58", &format!("zebra (pid {}", zebra.pid())] {
        assert!(answer.contains(part), "{answer}");
    }
}

/// A worker of nginx that is stopped reads no more of what clients send.
#[test]
fn a_worker_of_nginx_that_is_stuck() {
    let test = "a_worker_of_nginx_that_is_stuck";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    if !is_possible(test, &[nginx::PROGRAM]) {
        return;
    }
    let network = Network::of_its_own();
    let nginx = Nginx::start(&network);
    let uploads = Uploads::begin(&network, Ipv4Addr::LOCALHOST, clearly(250 * MIB));
    let told = stuck(&nginx, &uploads);

    assert_eq!(command(&told), format!("kill -CONT {}", nginx.worker()));
    run(command(&told));
    gives_back_pages(&told);
}

/// What is told of nginx while its worker is stopped, and clients go on sending.
fn stuck(nginx: &Nginx, uploads: &Uploads) -> Told {
    let worker = nginx.worker();
    run(&format!("kill -STOP {worker}"));
    let doctor = Doctor::start(window(), &[]);
    uploads.send();
    let told = doctor.told();
    note(&told.finished.stdout);
    told.is_severe(Gravity::Leak);
    is_the_worker(&told, worker, uploads);
    told.is_still_there();
    told
}

fn is_the_worker(told: &Told, worker: u32, uploads: &Uploads) {
    let (finding, held) = told.held();
    assert_eq!((held.owner.pid, held.state), (Some(worker), Some('T')));
    let socket = held.socket.as_ref().expect("they are some");
    assert_eq!(
        (held.object, socket.protocol.as_str()),
        (ObjectKind::Socket, "tcp")
    );
    assert!(held.owner.fd.is_some(), "{held:#?}");
    assert_eq!(held.objects, uploads.count(), "{held:#?}");
    assert!(finding.bytes >= uploads.bytes() / 10 * 9, "{finding:#?}");
    are_reasons(held, &[Reason::Stopped, Reason::Grew]);
    let answer = told.answer();
    for part in ["nginx", &format!("pid {worker}"), "stopped"] {
        assert!(answer.contains(part), "{answer}");
    }
}

fn are_reasons(held: &HeldCause, reasons: &[Reason]) {
    let all = reasons.iter().all(|it| held.reasons.contains(it));
    assert!(all, "{held:#?}");
}

/// What to do first of all.
fn command(told: &Told) -> &str {
    &told.first().remedies[0].command
}

fn run(command: &str) {
    let status = Command::new("sh").args(["-c", command]).status();
    assert!(status.expect("there is a shell").success(), "{command}");
}

/// What was promised comes back, by the holders and by the balance, which knows nothing of them.
fn gives_back_pages(told: &Told) {
    told.comes_back();
    let promised = told.first().remedies[0]
        .gives_bytes
        .expect("it was counted");
    eventually("the balance to have the pages back", || {
        let [then, now] = told.comes_back().no_counter_bytes;
        (then - now > (promised / 10 * 9) as i64).then_some(())
    });
    let kept = told.kept();
    let screen = Pagetrace::new(&["doctor", "--verify", kept.to_str().expect("UTF-8")]).run();
    note(&screen.stdout);
}
