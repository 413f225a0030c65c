//! What sockets and network drivers hold, in every network namespace.

mod answers;

use std::collections::BTreeSet;

use anyhow::Error;

use self::answers::Answers;
use super::Findings;
use crate::{
    kernel::{
        host::{
            namespaces::{self, Namespace, Namespaces},
            owners::Owners,
            read,
        },
        packet_diag::RingSocket,
        sock_diag::Socket,
        sockstat,
    },
    model::{Certainty, HolderKind, KnownHolder},
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
    /// Adds what there is in these.
    fn visit(&mut self, namespaces: &[Namespace], page_size: u64) {
        let closed = namespaces::visit(namespaces, |namespace| {
            let answers = Answers::ask(page_size);
            self.answers.push((namespace.suffix(), answers));
        });
        self.closed.extend(closed);
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
        findings
            .limitations
            .extend(namespaces::limitation(&self.closed));
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
    let sockets = found.sockets().map(|it| (it.1.memory.bytes(), Some(it)));
    let listed = found
        .sockets()
        .filter(|(_, it)| it.state.protocol.starts_with("tcp"));
    let listed = listed.fold(0_u64, |sum, (_, it)| sum.saturating_add(it.memory.bytes()));
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
                let (name, owner) = (socket.state.name(), owners.of_socket(socket.inode));
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
