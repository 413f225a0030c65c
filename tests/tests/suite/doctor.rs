//! `pagetrace doctor` names what is wrong, who has it and what gives it back; and finds nothing where
//! nothing is wrong.

mod forms;
mod group;
mod incidents;
mod quiet;
mod real;

use std::path::Path;

use pagetrace::{
    analysis::large_bytes,
    model::{Case, Cause, Finding, Gravity, HeldCause, Saved as _, Verification},
};
use pagetrace_tests::harness::{Finished, Leaker, Pagetrace, Running, eventually, is_emulated};
use rustix::{param::page_size, system::sysinfo};
use tempfile::TempDir;

use crate::LEAK;

const MIB: u64 = 1 << 20;

/// A doctor, and where its case will be.
struct Doctor {
    running: Running,
    folder: TempDir,
}

/// A case, and how pagetrace ended that made it.
struct Told {
    case: Case,
    finished: Finished,
    folder: TempDir,
}

impl Doctor {
    /// Starts it, and waits until it has looked for the first time and watches.
    fn start(seconds: u32, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let seconds = seconds.to_string();
        let (json, kept) = (folder.path().join("case.json"), folder.path().join("case"));
        let [json, kept] = [&json, &kept].map(|it| it.to_str().expect("UTF-8"));
        let usual = ["doctor", "-i", &seconds, "--json", json, "--save", kept];
        let running = Pagetrace::new(&[&usual[..], more].concat()).spawn();
        eventually("the first look", || {
            running.stderr().contains("; watching for ").then_some(())
        });
        Self { running, folder }
    }

    /// Lets it come to its end.
    fn told(self) -> Told {
        let finished = self.running.finish();
        let json = std::fs::read(self.folder.path().join("case.json"));
        let json = json.unwrap_or_else(|error| panic!("{error}: {finished:#?}"));
        Told {
            case: Case::from_json(&json).expect("a case"),
            finished,
            folder: self.folder,
        }
    }
}

impl Told {
    fn kept(&self) -> std::path::PathBuf {
        self.folder.path().join("case")
    }

    /// The finding that comes first.
    fn first(&self) -> &Finding {
        let first = self.case.findings.first();
        first.unwrap_or_else(|| panic!("nothing was found: {:#?}", self.finished))
    }

    /// The first finding, which is of pipes, sockets or rings.
    fn held(&self) -> (&Finding, &HeldCause) {
        match &self.first().cause {
            Cause::Held(held) => (self.first(), held),
            other => panic!("{other:#?}"),
        }
    }

    /// The sentence that the screen begins with.
    fn answer(&self) -> &str {
        self.finished.stdout.lines().next().expect("an answer")
    }

    fn is_severe(&self, gravity: Gravity) {
        assert_eq!(self.case.gravity(), Some(gravity), "{:#?}", self.finished);
        let code = match gravity {
            Gravity::Information => 0,
            Gravity::Suspicious => 10,
            Gravity::Leak => 20,
        };
        assert_eq!(
            self.finished.status.code(),
            Some(code),
            "{:#?}",
            self.finished
        );
        let lines = self.finished.stdout.lines().count();
        assert!(lines <= 24, "{lines} lines: {}", self.finished.stdout);
    }

    /// Looks again until everything has come back: the kernel frees some of it a moment later.
    fn comes_back(&self) -> Verification {
        eventually("what was promised to be back", || {
            let (verification, finished) = verified(&self.kept());
            let kept = verification
                .checks
                .iter()
                .all(|it| it.is_kept() == Some(true));
            assert_eq!(finished.status.code(), Some(if kept { 0 } else { 10 }));
            kept.then_some(verification)
        })
    }

    /// Nothing has come back yet.
    fn is_still_there(&self) {
        let (verification, finished) = verified(&self.kept());
        assert_eq!(finished.status.code(), Some(10), "{finished:#?}");
        let first = &verification.checks[0];
        assert_eq!(first.is_kept(), Some(false), "{first:#?}");
    }
}

fn verified(case: &Path) -> (Verification, Finished) {
    let case = case.to_str().expect("UTF-8");
    let finished = Pagetrace::new(&["doctor", "--verify", case, "--json", "-"]).run();
    let verification = serde_json::from_str(&finished.stdout);
    (
        verification.unwrap_or_else(|error| panic!("{error}: {finished:#?}")),
        finished,
    )
}

/// So much that a finding of it is clear, on however large a machine; and at least `least`.
fn clearly(least: u64) -> u64 {
    least.max(large_bytes(total_bytes()) / 2 * 3)
}

/// All of memory.
fn total_bytes() -> u64 {
    let of_machine = sysinfo();
    of_machine.totalram as u64 * u64::from(of_machine.mem_unit)
}

/// A process with full pipes, and how many: so many that a finding of them is clear.
pub(crate) fn full_pipes() -> (Leaker, u64) {
    const PAGES: u64 = 16;
    let count = clearly(75 * MIB).div_ceil(PAGES * page_size() as u64);
    let (pipes, pages) = (count.to_string(), PAGES.to_string());
    let leak = Leaker::start(LEAK, &["pipes", "--count", &pipes, "--pages", &pages]);
    (leak, count)
}

/// A window in which a leak can take all of its pages.
fn window() -> u32 {
    if is_emulated() { 40 } else { 8 }
}
