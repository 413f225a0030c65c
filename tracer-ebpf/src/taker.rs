//! Who takes pages, where call sites with the same stack are told apart by that.

/// Nobody is told from anybody: one stack is one call site.
pub const ANYBODY: u64 = 0;

/// A process, by its id (`tgid`) in the initial namespace.
pub const PROCESS: u64 = 1;

/// A cgroup of version 2, by its id.
pub const CGROUP: u64 = 2;
