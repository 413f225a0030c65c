//! Waiting for a condition instead of for a time.

use std::{
    thread,
    time::{Duration, Instant},
};

const POLL: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_secs(60);

/// What `probe` gives once it gives something. Panics, naming `what` was waited
/// for, after a time that only something broken takes.
pub fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(result) = probe() {
            return result;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        thread::sleep(POLL);
    }
}

/// Time as a condition, where time is what is tested.
pub fn let_pass(time: Duration) {
    let start = Instant::now();
    eventually("time to pass", || (start.elapsed() >= time).then_some(()));
}
