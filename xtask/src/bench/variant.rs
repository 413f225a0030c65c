//! What workloads are run under: nothing, pagetrace in some way, or another tracer.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::attached::{Attached, Sign};
use super::peer::Peer;
use super::programs::Programs;

/// One way to trace, or not to.
pub(super) struct Variant<'a> {
    pub(super) name: &'static str,
    tracer: Tracer<'a>,
}

enum Tracer<'a> {
    Nothing,
    /// Programs that return at once, of the program `bpf_stats`.
    Empty(&'a Path),
    /// A build of pagetrace, and its options.
    Pagetrace(&'a Path, &'static [&'static str]),
    /// pagetrace as a service.
    Service(&'a Path),
    Peer(&'a Peer),
}

/// The names of those that figures speak of.
pub(super) const PAGETRACE: &str = "pagetrace";
pub(super) const SCOPE_ALL: &str = "--scope all";
pub(super) const NO_CACHE: &str = "--no-cache";
pub(super) const SERVICE: &str = "serve";
pub(super) const EMPTY: &str = "empty program";
/// Another build, whose reports may be of another schema.
const BEFORE: &str = "before";

/// Says that it runs, and goes on until stdin is closed. The window is longer than that.
const COMMAND: [&str; 6] = ["-i", "3600", "--", "sh", "-c", "echo attached; exec cat"];

impl<'a> Variant<'a> {
    /// All of them, in the order in which they are run; nothing comes first.
    pub(super) fn all(programs: &'a Programs, peers: &'a [Peer]) -> Vec<Self> {
        let own = [PAGETRACE, SCOPE_ALL, NO_CACHE].map(|way| Self::own(programs, way));
        let peers = peers
            .iter()
            .map(|peer| Self::of(peer.name, Tracer::Peer(peer)));
        let nothing = Self::of("untraced", Tracer::Nothing);
        let service = Self::service(programs);
        let all = [nothing].into_iter().chain(own);
        all.chain([service]).chain(peers).collect()
    }

    /// pagetrace with the options that the name is, if it is some.
    pub(super) fn own(programs: &'a Programs, name: &'static str) -> Self {
        let options: &[_] = match name {
            SCOPE_ALL => &["--scope", "all"],
            NO_CACHE => &["--no-cache"],
            _ => &[],
        };
        Self::of(name, Tracer::Pagetrace(&programs.pagetrace, options))
    }

    /// pagetrace as a service.
    pub(super) fn service(programs: &'a Programs) -> Self {
        Self::of(SERVICE, Tracer::Service(&programs.pagetrace))
    }

    /// Programs that do nothing.
    pub(super) fn empty(programs: &'a Programs) -> Self {
        Self::of(EMPTY, Tracer::Empty(&programs.bpf_stats))
    }

    /// Another build of pagetrace.
    pub(super) fn before(program: &'a Path) -> Self {
        Self::of(BEFORE, Tracer::Pagetrace(program, &[]))
    }

    fn of(name: &'static str, tracer: Tracer<'a>) -> Self {
        Self { name, tracer }
    }

    /// Starts the tracer, if there is one to start. pagetrace writes its report to `report`.
    pub(super) fn start(&self, report: &Path) -> Result<Option<Attached>> {
        let attached = match self.tracer {
            Tracer::Nothing => return Ok(None),
            Tracer::Empty(program) => {
                let mut command = Command::new(program);
                command.arg("empty");
                Attached::start(command, Sign::Says)
            }
            Tracer::Pagetrace(program, options) => {
                let mut command = Command::new(program);
                command.args(options).arg("--json").arg(report);
                command.args(COMMAND);
                Attached::start(command, Sign::Says)
            }
            Tracer::Service(program) => {
                let mut command = Command::new(program);
                command.arg("serve").arg("--socket");
                // Beside the report that it does not write.
                command.arg(report.with_extension("sock"));
                Attached::start(command, Sign::Holds)
            }
            Tracer::Peer(peer) => Attached::start(peer.command()?, Sign::Holds),
        };
        attached.map(Some)
    }

    /// Whether it leaves a report behind that can be read.
    pub(super) fn reports(&self) -> bool {
        matches!(self.tracer, Tracer::Pagetrace(..)) && self.name != BEFORE
    }
}
