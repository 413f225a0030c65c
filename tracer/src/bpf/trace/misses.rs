//! Events that the kernel kept from a program, because one was running on that CPU.

use std::{
    fs,
    os::fd::{AsFd as _, AsRawFd as _, BorrowedFd},
};

use anyhow::{Context as _, Result, bail};
use aya::{Ebpf, programs::Program};

use crate::kernel::fdinfo;

/// What keeps a program from running inside another.
#[derive(Clone, Copy, Debug)]
enum Guard {
    /// Its own (`prog->active`), of raw tracepoints since 05b24ff9b2cf (Linux 6.1 and
    /// 6.0.10) and of trampolines since ca06f55b9002 (5.12).
    Own,
    /// One for all programs of the CPU (`trace_call_bpf`, kernel/trace/bpf_trace.c), of
    /// tracefs tracepoints.
    Shared,
}

/// How many events the kernel kept from the program; none where it does not count
/// them. `shared_are_counted` tells whether it counts those of tracefs tracepoints.
pub(super) fn recursion_misses(
    ebpf: &Ebpf,
    name: &str,
    shared_are_counted: bool,
) -> Result<Option<u64>> {
    let program = ebpf
        .program(name)
        .with_context(|| format!("the BPF object has no program {name}"))?;
    let (guard, fd) = match program {
        Program::RawTracePoint(program) => (Guard::Own, program.fd()),
        Program::FExit(program) => (Guard::Own, program.fd()),
        Program::TracePoint(program) => (Guard::Shared, program.fd()),
        _ => bail!("{name} is not a program of the trace"),
    };
    let counter = counter(fd?.as_fd())?;
    Ok(guard.misses(counter, shared_are_counted))
}

/// The kernel's counter, which every program has since 9ed9e9ba2337 (Linux 5.12).
fn counter(program: BorrowedFd<'_>) -> Result<Option<u64>> {
    let path = format!("/proc/self/fdinfo/{}", program.as_raw_fd());
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    Ok(fdinfo::recursion_misses(&text))
}

impl Guard {
    /// What the counter means.
    fn misses(self, counter: Option<u64>, shared_are_counted: bool) -> Option<u64> {
        match self {
            // Its guard never came without the counter: with neither, nothing is missed.
            Self::Own => Some(counter.unwrap_or(0)),
            // Its guard is older than its use of the counter, which is 0 until then.
            Self::Shared => counter.filter(|_| shared_are_counted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_without_a_guard_misses_nothing() {
        assert_eq!(Guard::Own.misses(None, false), Some(0));
        assert_eq!(Guard::Own.misses(Some(7), false), Some(7));
    }

    #[test]
    fn a_zero_that_nobody_counted_is_unknown() {
        assert_eq!(Guard::Shared.misses(Some(0), false), None);
        assert_eq!(Guard::Shared.misses(None, true), None);
        assert_eq!(Guard::Shared.misses(Some(0), true), Some(0));
    }
}
