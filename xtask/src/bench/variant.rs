//! What workloads are run under: nothing, pagetrace in some way, or a peer.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::attached::{Attached, Sign};
use super::peer::Peer;

/// One way to trace, or not to.
pub(super) struct Variant<'a> {
    pub(super) name: &'static str,
    tracer: Tracer<'a>,
}

enum Tracer<'a> {
    Nothing,
    Pagetrace(&'static [&'static str]),
    Peer(&'a Peer),
}

/// The names of those that targets and figures speak of.
pub(super) const UNTRACED: &str = "untraced";
pub(super) const PAGETRACE: &str = "pagetrace";
pub(super) const SCOPE_ALL: &str = "--scope all";
pub(super) const NO_CACHE: &str = "--no-cache";

/// pagetrace's own ways. The first part of a window, in which allocations are recorded, is
/// longer than anything that is measured.
const WAYS: [(&str, &[&str]); 3] = [
    (PAGETRACE, &["-i", "3600", "-v"]),
    (SCOPE_ALL, &["-i", "3600", "-v", "--scope", "all"]),
    (NO_CACHE, &["-i", "3600", "-v", "--no-cache"]),
];

const ATTACHED: Sign = Sign::Says("pagetrace: attached ");

impl<'a> Variant<'a> {
    /// All of them, in the order in which they are run; nothing comes first.
    pub(super) fn all(peers: &'a [Peer]) -> Vec<Self> {
        let nothing = Self {
            name: UNTRACED,
            tracer: Tracer::Nothing,
        };
        let ways = WAYS.map(|(name, arguments)| Self {
            name,
            tracer: Tracer::Pagetrace(arguments),
        });
        let peers = peers.iter().map(|peer| Self {
            name: peer.name,
            tracer: Tracer::Peer(peer),
        });
        [nothing].into_iter().chain(ways).chain(peers).collect()
    }

    /// One of pagetrace's own ways.
    pub(super) fn own(name: &str) -> Option<Self> {
        let mut all = Self::all(&[]).into_iter();
        all.find(|variant| variant.name == name)
    }

    /// Starts the tracer, if there is one to start. pagetrace writes its report to `report`.
    pub(super) fn start(&self, pagetrace: &Path, report: &Path) -> Result<Option<Attached>> {
        let attached = match self.tracer {
            Tracer::Nothing => return Ok(None),
            Tracer::Pagetrace(arguments) => {
                let mut command = Command::new(pagetrace);
                command.args(arguments).arg("--json").arg(report);
                Attached::start(command, ATTACHED)?
            }
            Tracer::Peer(peer) => Attached::start(peer.command(), Sign::Holds)?,
        };
        Ok(Some(attached))
    }

    /// Whether it leaves a report of pagetrace's behind.
    pub(super) fn reports(&self) -> bool {
        matches!(self.tracer, Tracer::Pagetrace(_))
    }

    /// Whether it is another tracer.
    pub(super) fn is_peer(&self) -> bool {
        matches!(self.tracer, Tracer::Peer(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_comes_first_and_leaves_no_report() {
        let all = Variant::all(&[]);
        let names: Vec<_> = all.iter().map(|variant| variant.name).collect();
        assert_eq!(names, [UNTRACED, PAGETRACE, SCOPE_ALL, NO_CACHE]);
        let reports: Vec<_> = all.iter().map(Variant::reports).collect();
        assert_eq!(reports, [false, true, true, true]);
    }
}
