//! A limit on memory: met, or named.

use std::os::unix::process::ExitStatusExt as _;

use pagetrace_tests::harness::{Memcg, OPEN_END, Pagetrace, Tracing, root_or_skip, skip};

use rustix::process::Resource;

use crate::{hold_500_pipes, pages_in_pipes};

const MIB: u64 = 1 << 20;

/// A trace of 500 full pipes in a pagetrace that is limited as `limited` says.
fn pages_found(limited: impl FnOnce(Pagetrace) -> Pagetrace) -> u64 {
    let trace = Tracing::start(&OPEN_END, |pagetrace| limited(pagetrace).spawn());
    let _leak = hold_500_pipes();
    pages_in_pipes(&trace.end().report)
}

/// Bytes of kernel memory that the tables take on this machine.
fn table_bytes() -> u64 {
    let mut trace = Tracing::attach(&[]);
    let bytes = trace.running().map_bytes();
    trace.end();
    assert!(bytes > 0);
    bytes
}

fn limit_or_skip(test: &str, bytes: u64) -> Option<Memcg> {
    let limit = Memcg::with_limit(bytes);
    if limit.is_none() {
        skip(test, "there is no memory controller in /sys/fs/cgroup");
    }
    limit
}

/// Checks that a short trace works within the limit or says, before it begins, that
/// there is too little memory. If it were killed for memory, it would have no report.
fn works_or_says_why_not(limit: &Memcg, args: &[&str]) {
    let args = [&["-i", "1"], args].concat();
    let finished = Pagetrace::new(&args).within(limit).run();
    let killed = finished.status.signal();
    assert_eq!(killed, None, "within {} bytes: {finished:#?}", limit.bytes);
    let works = finished.status.success();
    assert!(
        works || finished.refusal().contains("memory"),
        "{finished:#?}"
    );
}

#[test]
fn private_memory_of_64_mib_is_enough() {
    let Some(_machine) = root_or_skip("private_memory_of_64_mib_is_enough") else {
        return;
    };
    assert_eq!(
        pages_found(|it| it.with_limit(Resource::Data, 64 * MIB)),
        8000
    );
}

#[test]
fn a_memcg_with_64_mib_beside_the_tables_is_enough() {
    let test = "a_memcg_with_64_mib_beside_the_tables_is_enough";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    if let Some(limit) = limit_or_skip(test, table_bytes() + 64 * MIB) {
        assert_eq!(pages_found(|it| it.within(&limit)), 8000);
    }
}

#[test]
fn a_memcg_of_64_mib_works_or_is_refused() {
    let test = "a_memcg_of_64_mib_works_or_is_refused";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    for max_sites in ["16384", "1024"] {
        if let Some(limit) = limit_or_skip(test, 64 * MIB) {
            works_or_says_why_not(&limit, &["--max-sites", max_sites]);
        }
    }
}

#[test]
fn a_memcg_that_is_too_small_is_refused() {
    let test = "a_memcg_that_is_too_small_is_refused";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    // The first is too small for the tables; the last are enough for them, but
    // perhaps not for what comes after them.
    let tables = table_bytes();
    let beside = [0, 4, 8, 16].map(|mib| tables + mib * MIB);
    for bytes in [&[tables / 2], &beside[..]].concat() {
        if let Some(limit) = limit_or_skip(test, bytes) {
            works_or_says_why_not(&limit, &[]);
        }
    }
}
