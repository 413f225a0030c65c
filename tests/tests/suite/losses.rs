//! Loss accounting: what nobody counted is not zero.

use pagetrace_tests::harness::{Report, Tracing, root_or_skip};

/// The report of a short trace on one kind of tracepoint.
fn report(hook: &str) -> Report {
    Tracing::attach(&["--hook", hook]).end().report
}

/// The first two numbers of a kernel's release, such as `6.12.1-amd64`.
fn version(release: &str) -> (u32, u32) {
    let mut numbers = release.split(['.', '-']).map(str::parse);
    let mut next = || numbers.next().and_then(Result::ok).expect("a number");
    (next(), next())
}

#[test]
fn misses_are_a_number_only_where_the_kernel_counts_them() {
    let test = "misses_are_a_number_only_where_the_kernel_counts_them";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let traced = report("tracefs");
    let counts = version(&traced.host.kernel) >= (6, 7);
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
