//! The chores of pagetrace.
fn main() {}
