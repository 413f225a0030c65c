//! The right to trace the machine: root, and one test at a time.

use std::{
    io::{Write as _, stderr},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustix::process::geteuid;

static MACHINE: Mutex<()> = Mutex::new(());

/// While one test holds this, no other in its process traces or leaks: they
/// would show up in each other's reports. Cargo runs test binaries one by one.
pub type Machine = MutexGuard<'static, ()>;

/// The machine, or `None` and a line on stderr if `test` cannot have it.
pub fn root_or_skip(test: &str) -> Option<Machine> {
    if !geteuid().is_root() {
        skip(test, "needs root, to trace the running kernel");
        return None;
    }
    Some(MACHINE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Says on stderr that `test` cannot be run here.
///
/// The line is written directly: the print macros are captured by the test
/// harness, and a skipped test must not look like one that passed.
pub fn skip(test: &str, reason: &str) {
    let _ = writeln!(stderr(), "SKIPPED {test}: {reason}");
}
