//! What came of a run on one kernel.

use std::collections::BTreeMap;
use std::fmt;

/// A run of everything on one kernel.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The day of the run.
    pub(super) date: String,
    /// The kernel's release.
    pub(super) release: String,
    /// Which build of it.
    pub(super) version: String,
    /// The kinds of file systems that were mounted.
    pub(super) file_systems: Vec<String>,
    /// Words of which the name of each test that was run has one; none if all were run.
    pub(super) only: String,
    /// What `pagetrace check` found.
    pub(super) findings: Vec<Finding>,
    /// What the verifier said of each program.
    pub(super) programs: Vec<(String, String)>,
    /// The tests that ran to their end or said why they did not, and how they ended.
    pub(super) tests: BTreeMap<String, Ending>,
    /// The report of a trace, as JSON.
    pub(super) report: String,
    /// What the suite wrote from the first failure on.
    pub(super) failures: String,
}

/// One line of `pagetrace check`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// What it is about.
    pub(super) subject: String,
    /// `ok`, or how bad it is.
    pub(super) state: String,
    /// What was found.
    pub(super) detail: String,
}

/// How a test ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Well.
    Passed,
    /// It must not.
    Failed,
    /// It said that this kernel cannot have it, and why.
    Skipped(String),
}

impl Outcome {
    /// How many tests passed.
    pub(super) fn passed(&self) -> usize {
        self.count(|ending| *ending == Ending::Passed)
    }

    /// How many tests failed.
    pub(super) fn failed(&self) -> usize {
        self.count(|ending| *ending == Ending::Failed)
    }

    /// How many tests did not apply.
    pub(super) fn skipped(&self) -> usize {
        self.count(|ending| matches!(ending, Ending::Skipped(_)))
    }

    fn count(&self, matches: impl Fn(&Ending) -> bool) -> usize {
        self.tests.values().filter(|ending| matches(ending)).count()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (passed, failed, skipped) = (self.passed(), self.failed(), self.skipped());
        let release = &self.release;
        write!(
            f,
            "{release}, {passed} passed, {failed} failed, {skipped} skipped"
        )
    }
}
