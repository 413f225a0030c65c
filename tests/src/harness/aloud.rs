//! What must be seen even if a test passes.

use std::{
    env,
    io::{Write as _, stderr},
};

/// Says a sentence on stderr, past the test harness: it captures the print macros.
pub fn aloud(sentence: &str) {
    let _ = writeln!(stderr(), "{sentence}");
}

/// Says that `test` cannot be done here: a skipped test must not look like one that passed.
pub fn skip(test: &str, reason: &str) {
    aloud(&format!("SKIPPED {test}: {reason}"));
}

/// What `test` draws its random numbers from: the variable `PAGETRACE_SEED`, or
/// a number that nobody has foreseen. It is said aloud, so that the run can be repeated.
pub fn seed(test: &str) -> u64 {
    let given = env::var("PAGETRACE_SEED").ok();
    let seed = given.map_or_else(
        || fastrand::u64(..),
        |seed| seed.parse().expect("a seed is a number"),
    );
    aloud(&format!("{test}: PAGETRACE_SEED={seed}"));
    seed
}
