//! Waiting for a condition instead of for a time.

use std::{
    env, thread,
    time::{Duration, Instant},
};

const POLL: Duration = Duration::from_millis(2);
const PATIENCE: u64 = 60;
/// The variable that holds more seconds of patience, for a machine that is emulated.
const MORE: &str = "PAGETRACE_TEST_PATIENCE";

/// What `probe` gives once it gives something. Panics, naming `what` was waited
/// for, after a time that only something broken takes.
pub fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let patience = patience();
    let deadline = Instant::now() + patience;
    loop {
        if let Some(result) = probe() {
            return result;
        }
        assert!(Instant::now() < deadline, "waited {patience:?} for {what}");
        thread::sleep(POLL);
    }
}

/// Time as a condition, where time is what is tested.
pub fn let_pass(time: Duration) {
    let start = Instant::now();
    eventually("time to pass", || (start.elapsed() >= time).then_some(()));
}

fn patience() -> Duration {
    let seconds = env::var(MORE).map_or(PATIENCE, |seconds| {
        seconds.parse().expect("a whole number of seconds")
    });
    Duration::from_secs(seconds)
}
