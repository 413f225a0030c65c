//! CPUs to run on.

use std::num::NonZero;

use rustix::thread::{CpuSet, sched_setaffinity};

use super::skip;

/// Keeps this thread on one CPU.
pub fn stay_on(cpu: usize) {
    let mut cpus = CpuSet::new();
    cpus.set(cpu);
    sched_setaffinity(None, &cpus).expect("a CPU of this machine");
}

/// Whether there are two CPUs, 0 and 1; a line on stderr if `test` cannot have them.
pub fn two_cpus_or_skip(test: &str) -> bool {
    let cpus = std::thread::available_parallelism().map_or(1, NonZero::get);
    if cpus < 2 {
        skip(test, "needs a second CPU, to interrupt it");
    }
    cpus >= 2
}
