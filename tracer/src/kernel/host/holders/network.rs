//! What sockets and network drivers hold, in every network namespace.

mod answers;

use std::{collections::BTreeSet, thread};

use anyhow::Error;

use self::answers::Answers;
use super::{
    Findings,
    namespaces::{Namespace, Namespaces},
    owners::Owners,
};
use crate::{
    kernel::{host::read, packet_diag::RingSocket, sock_diag::Socket, sockstat},
    model::{Certainty, Feature, HolderKind, KnownHolder},
};

/// Adds all that sockets and drivers hold.
pub(super) fn look(namespaces: Namespaces, owners: &Owners, findings: &mut Findings) {
    let page_size = rustix::param::page_size() as u64;
    let namespaces = namespaces.all();
    let mut found = Found::default();
    found.visit(&namespaces, page_size);
    // What is left are sockets of namespaces that nothing else keeps, and of other families.
    let hidden = owners.other_namespaces(&found.inodes(), &namespaces);
    found.visit(&hidden, page_size);
    findings.extend(rings(&found, owners));
    findings.extend(sockets(&found, page_size, owners));
    findings.extend(pools(&found));
    found.add_limitations(findings);
}

/// What was found in the network namespaces.
#[derive(Default)]
struct Found {
    /// By namespace, each with what tells it from our own: `, netns blue`.
    answers: Vec<(String, Answers)>,
    /// Why namespaces could not be entered.
    closed: Vec<Error>,
}

impl Found {
    /// Adds what there is in these, by a thread of its own: it cannot come back from another
    /// namespace, and just ends there.
    fn visit(&mut self, namespaces: &[Namespace], page_size: u64) {
        if namespaces.is_empty() {
            return;
        }
        let ended = thread::scope(|scope| {
            let visit = || namespaces.iter().for_each(|it| self.enter(it, page_size));
            let thread = thread::Builder::new().spawn_scoped(scope, visit)?;
            thread
                .join()
                .map_err(|_| Error::msg("the thread that looked at them failed"))
        });
        self.closed.extend(ended.err());
    }

    fn enter(&mut self, namespace: &Namespace, page_size: u64) {
        match namespace.enter() {
            Ok(()) => {
                let answers = Answers::ask(page_size);
                self.answers.push((namespace.suffix(), answers));
            }
            Err(error) => self.closed.push(error),
        }
    }

    fn rings(&self) -> impl Iterator<Item = (&str, &RingSocket)> {
        let answers = self.answers.iter();
        answers.flat_map(|(place, it)| it.rings.iter().map(move |ring| (place.as_str(), ring)))
    }

    fn sockets(&self) -> impl Iterator<Item = (&str, &Socket)> {
        let answers = self.answers.iter();
        answers.flat_map(|(place, it)| it.sockets.iter().map(move |it| (place.as_str(), it)))
    }

    /// The inodes of all sockets.
    fn inodes(&self) -> BTreeSet<u64> {
        let rings = self.rings().map(|(_, ring)| ring.inode);
        let sockets = self.sockets().map(|(_, socket)| socket.inode);
        rings.chain(sockets).map(u64::from).collect()
    }

    /// What the kernel does not tell anywhere is said once.
    fn add_limitations(self, findings: &mut Findings) {
        let failed: BTreeSet<_> = self
            .answers
            .into_iter()
            .flat_map(|(_, it)| it.failed)
            .collect();
        for (feature, reason) in failed {
            findings.limited(feature, &reason, None);
        }
        if let Some(first) = self.closed.first() {
            let reason = format!("{} were not seen: {first:#}", self.closed.len());
            findings.limited(Feature::NetworkNamespaces, &reason, Some("run it as root"));
        }
    }
}

fn rings(found: &Found, owners: &Owners) -> Option<KnownHolder> {
    KnownHolder::of(
        HolderKind::PacketRings,
        Certainty::Exact,
        "packet_diag",
        found.rings().map(|it| (it.1.bytes, it)),
        |(place, ring)| format!("{}{place}", owners.of_socket(ring.inode)),
    )
}

/// TCP's own count is of the whole machine: what no listed socket holds is of sockets that were
/// closed, or could not be seen.
fn sockets(found: &Found, page_size: u64, owners: &Owners) -> Option<KnownHolder> {
    let sockets = found.sockets().map(|it| (it.1.bytes, Some(it)));
    let listed = found.sockets().filter(|(_, it)| it.name.starts_with("tcp"));
    let listed = listed.fold(0_u64, |sum, (_, it)| sum.saturating_add(it.bytes));
    let sockstat = read("/proc/net/sockstat").unwrap_or_default();
    let counted = sockstat::tcp_pages(&sockstat).unwrap_or(0);
    let others = counted.saturating_mul(page_size).saturating_sub(listed);
    KnownHolder::of(
        HolderKind::Sockets,
        Certainty::AtMost,
        "sock_diag, /proc/net/sockstat",
        sockets.chain([(others, None)]),
        |socket| match socket {
            Some((place, socket)) => {
                let (name, owner) = (&socket.name, owners.of_socket(socket.inode));
                format!("{name}, {owner}{place}")
            }
            None => "tcp, in no socket that was listed".to_owned(),
        },
    )
}

fn pools(found: &Found) -> Option<KnownHolder> {
    let answers = found.answers.iter();
    let pools = answers.flat_map(|(place, it)| it.pools.iter().map(move |pool| (place, pool)));
    let own = pools.filter(|(_, (pool, _))| !pool.foreign);
    KnownHolder::of(
        HolderKind::PagePools,
        Certainty::Exact,
        "netdev page-pool-get",
        own.map(|it| (it.1.0.bytes, it)),
        |(place, (pool, device))| match device {
            Some(device) if pool.detached => format!("{device} (detached){place}"),
            Some(device) => format!("{device}{place}"),
            None => format!("pool {} of a device that is gone{place}", pool.id),
        },
    )
}
