//! Loss accounting: what nobody counted is not zero.

use pagetrace_tests::harness::{Kernel, Report, Tracing, root_or_skip};

/// The report of a short trace on one kind of tracepoint.
fn report(hook: &str) -> Report {
    Tracing::attach(&["--hook", hook]).end().report
}

/// Since this release misses of tracefs tracepoints are counted.
const COUNTS_MISSES: Kernel = Kernel { major: 6, minor: 7 };

#[test]
fn misses_are_a_number_only_where_the_kernel_counts_them() {
    let test = "misses_are_a_number_only_where_the_kernel_counts_them";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let traced = report("tracefs");
    let counts = Kernel::running() >= COUNTS_MISSES;
    let misses = traced.losses.recursion_misses;
    assert_eq!(misses.alloc.is_some(), counts, "{misses:?}");
    assert_eq!(misses.free.is_some(), counts, "{misses:?}");
    // Raw tracepoints miss nothing where they have no guard.
    let misses = report("raw").losses.recursion_misses;
    assert!(
        misses.alloc.is_some() && misses.free.is_some(),
        "{misses:?}"
    );
}
