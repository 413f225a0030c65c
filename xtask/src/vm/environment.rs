//! The variables by which `run.sh` and the programs it runs find each other.

use std::path::Path;
use std::process::Command;

use super::architecture::Architecture;
use super::machine;
use super::programs::Programs;

/// Seconds that a test waits for anything in an emulated machine.
const TIMEOUT: &str = "300";

/// Names and values.
pub(super) struct Environment(Vec<(&'static str, String)>);

impl Environment {
    /// That of `programs`, for tests with a word of `only` in their names if there is one.
    pub(super) fn of(programs: &Programs, only: &str) -> Self {
        let path = |path: &Path| path.display().to_string();
        Self(vec![
            ("PAGETRACE", path(&programs.pagetrace)),
            ("SUITE", path(&programs.suite)),
            ("VERIFIER", path(&programs.verifier)),
            (
                "OBJECTS",
                programs.objects.each_ref().map(|it| path(it)).join(" "),
            ),
            ("ONLY", only.to_owned()),
            ("PAGETRACE_TEST_TIMEOUT", TIMEOUT.to_owned()),
        ])
    }

    /// The same, in a machine that is emulated and whose CPUs are nobody else's.
    pub(super) fn emulated(mut self, architecture: Architecture) -> Self {
        let (_, port) = architecture.ports();
        self.0.push(("PORT", port.to_owned()));
        for name in ["PAGETRACE_TEST_EMULATED", "PAGETRACE_TEST_HOTPLUG"] {
            self.0.push((name, "1".to_owned()));
        }
        self
    }

    /// The same, with a module for the tests to load.
    pub(super) fn with_module(mut self, module: &Path) -> Self {
        self.0
            .push(("PAGETRACE_TEST_MODULE", module.display().to_string()));
        self
    }

    /// The same, in a machine that has two network cards with a wire between them.
    pub(super) fn with_wire(mut self) -> Self {
        let cards = machine::WIRED.join(" ");
        self.0.push(("PAGETRACE_TEST_WIRE", cards));
        self
    }

    /// Gives it to `command`.
    pub(super) fn give(&self, command: &mut Command) {
        command.envs(self.0.iter().map(|(name, value)| (name, value)));
    }

    /// As a shell reads it.
    pub(super) fn script(&self) -> String {
        let lines = self
            .0
            .iter()
            .map(|(name, value)| format!("export {name}='{value}'\n"));
        lines.collect()
    }
}
