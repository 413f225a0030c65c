//! The right to trace the machine: root, and one test at a time.

use std::{
    env,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustix::process::geteuid;

use super::skip;

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

/// Whether the machine is emulated, so that everything takes many times longer.
pub fn is_emulated() -> bool {
    env::var_os("PAGETRACE_TEST_EMULATED").is_some()
}
