//! Programs inside themselves.
//!
//! Until Linux 6.1 (05b24ff9b2cf) a raw tracepoint's program may be interrupted on its CPU
//! by a run of itself: an interrupt takes pages while the program runs for a task. Later
//! kernels, and tracefs tracepoints on all, turn the second run away
//! (`__bpf_trace_run` and `trace_call_bpf`, kernel/trace/bpf_trace.c). So a run that finds
//! another below itself leaves alone all that the two would share on their CPU.

use core::sync::atomic::{Ordering, compiler_fence};

use tracer_ebpf::{LEVELS, Nested};

use crate::word::Word;

/// A run of a program, until it is dropped.
pub(crate) struct Run {
    depth: &'static Word,
    level: u64,
}

impl Run {
    /// Begins a run. An interrupt between the two accesses has ended its own runs, and put
    /// the depth back, before this one goes on.
    #[inline(always)]
    pub(crate) fn begin<T>(counters: &'static Nested<T, Word>) -> (Self, &'static T) {
        let level = counters.depth.get();
        counters.depth.set(level + 1);
        compiler_fence(Ordering::SeqCst);
        let run = Self {
            depth: &counters.depth,
            level,
        };
        (run, &counters.levels[level as usize % LEVELS])
    }

    /// Whether it is in the middle of another.
    #[inline(always)]
    pub(crate) fn is_nested(&self) -> bool {
        self.level > 0
    }
}

impl Drop for Run {
    #[inline(always)]
    fn drop(&mut self) {
        compiler_fence(Ordering::SeqCst);
        self.depth.set(self.level);
    }
}
