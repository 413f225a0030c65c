//! A leak of which everything is known, and that all of it is found.

use std::{
    net::{Ipv4Addr, UdpSocket},
    thread,
};

use pagetrace_tests::harness::{Leaker, eventually, note, stay_on};
use rustix::thread::{CpuSet, sched_getaffinity};

use super::{Account, BLOCK, Holder, MIB, Report, page, sum};
use crate::LEAK;

/// What is known of a leak.
pub(super) struct Known<'a> {
    pub(super) args: &'a [&'a str],
    pub(super) kind: &'a str,
    pub(super) holding: Option<&'a str>,
    pub(super) objects: usize,
    pub(super) pages: Pages,
    /// Bytes of data in all objects.
    pub(super) payload: u64,
}

/// Which pages an object holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pages {
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
    pub(super) fn is_found(&self) {
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
                    assert_eq!(account.pinned_bytes, pages * page(), "{holder:#?}");
                    assert_eq!(account.frees_bytes, account.pinned_bytes, "{holder:#?}");
                }
                Pages::Shared(pages) => {
                    assert_eq!(account.pinned_bytes, pages * page(), "{holder:#?}");
                    assert_eq!(account.frees_bytes, 0, "{holder:#?}");
                }
                Pages::OfData | Pages::OfReplies => {
                    assert!(
                        account.pinned_bytes >= in_pages(account.payload_bytes),
                        "{holder:#?}"
                    );
                }
            }
        }
    }

    /// What the process promises as a whole.
    fn promises(&self, group: Account) {
        let (objects, pinned) = (self.objects as u64, group.pinned_bytes);
        match self.pages {
            Pages::Each(pages) => assert_eq!(pinned, objects * pages * page()),
            Pages::Shared(pages) => assert_eq!(pinned, objects / 2 * pages * page()),
            Pages::OfData | Pages::OfReplies => {
                assert!(pinned >= in_pages(self.payload), "{group:?}");
            }
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

/// So many bytes of data are in page frames at least: the first of a packet may lie in a slab.
const fn in_pages(payload: u64) -> u64 {
    payload - payload / 16
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
