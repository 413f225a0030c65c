//! User memory that is mapped nowhere any more, and that the kernel holds for somebody.

use pagetrace_tests::{
    harness::{Leaker, eventually, root_or_skip, skip},
    leaks::Holder as PinnedBy,
};

use super::{MIB, Report, sum};
use crate::LEAK;

/// Pages of the leak.
const PAGES: u64 = 1024;

fn is_found(test: &str, by: PinnedBy, name: &str, kind: &str) {
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    if let Some(reason) = by.refusal() {
        skip(test, &reason);
        return;
    }
    let pages = PAGES.to_string();
    let leak = Leaker::start(LEAK, &["pinned", "--by", name, "--pages", &pages]);
    // The newest pages wait on lists of their CPU, which refer to them as well, for a moment.
    eventually("all references to be found", || {
        let report = Report::now();
        let holders = report.of(leak.pid());
        let of_kind: Vec<_> = holders.iter().filter(|it| it.kind == kind).collect();
        let total =
            |number: fn(&super::Account) -> u64| sum(of_kind.iter().map(|it| &it.account), number);
        let pinned = total(|it| it.pinned_bytes);
        assert!(pinned >= PAGES / 256 * MIB, "{holders:#?}");
        let frees = total(|it| it.frees_bytes);
        assert!(frees <= pinned, "{holders:#?}");
        (frees >= pinned - pinned / 16 && total(|it| it.payload_bytes) == PAGES / 256 * MIB)
            .then_some(())
    });
}

#[test]
fn memory_that_a_pipe_was_given_is_found() {
    let test = "memory_that_a_pipe_was_given_is_found";
    is_found(test, PinnedBy::Gift, "gift", "pipe");
}

#[test]
fn a_file_that_was_spliced_and_truncated_is_found() {
    let test = "a_file_that_was_spliced_and_truncated_is_found";
    is_found(test, PinnedBy::Splice, "splice", "pipe");
}

#[test]
fn memory_that_was_registered_with_an_io_uring_is_found() {
    let test = "memory_that_was_registered_with_an_io_uring_is_found";
    is_found(test, PinnedBy::IoUring, "io-uring", "io-uring");
}
