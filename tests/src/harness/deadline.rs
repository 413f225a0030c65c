//! Waiting for a condition instead of for a time.

use std::{
    env, thread,
    time::{Duration, Instant},
};

const POLL: Duration = Duration::from_millis(2);
/// In seconds.
const TIMEOUT: u64 = 60;
/// The variable that holds a longer one, for a machine that is emulated.
const VARIABLE: &str = "PAGETRACE_TEST_TIMEOUT";

/// What `probe` gives once it gives something. Panics, naming `what` was waited
/// for, after a time that only something broken takes.
pub fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let timeout = timeout();
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(result) = probe() {
            return result;
        }
        assert!(Instant::now() < deadline, "waited {timeout:?} for {what}");
        thread::sleep(POLL);
    }
}

/// Time as a condition, where time is what is tested.
pub fn let_pass(time: Duration) {
    let start = Instant::now();
    eventually("time to pass", || (start.elapsed() >= time).then_some(()));
}

fn timeout() -> Duration {
    let seconds = env::var(VARIABLE).map_or(TIMEOUT, |seconds| {
        seconds.parse().expect("a whole number of seconds")
    });
    Duration::from_secs(seconds)
}
