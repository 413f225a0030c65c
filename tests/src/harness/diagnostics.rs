//! What a test says of itself, passed or failed.

use std::{
    env,
    io::{Write as _, stderr},
};

/// Writes a sentence to stderr, past the test harness: it captures the print macros.
pub fn note(sentence: &str) {
    let _ = writeln!(stderr(), "{sentence}");
}

/// Says that `test` cannot be done here: a skipped test must not look like one that passed.
pub fn skip(test: &str, reason: &str) {
    note(&format!("SKIPPED {test}: {reason}"));
}

/// What `test` draws its random numbers from: the variable `PAGETRACE_SEED`, or
/// a number that nobody has foreseen. It is written to stderr, so that the run can be repeated.
pub fn seed(test: &str) -> u64 {
    let given = env::var("PAGETRACE_SEED").ok();
    let seed = given.map_or_else(
        || fastrand::u64(..),
        |seed| seed.parse().expect("a seed is a number"),
    );
    note(&format!("{test}: PAGETRACE_SEED={seed}"));
    seed
}
