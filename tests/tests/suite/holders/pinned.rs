//! User memory that is mapped nowhere any more, and that the kernel holds for somebody.

use pagetrace_tests::{
    harness::{Leaker, Pagetrace, eventually, root_or_skip, skip},
    leaks::Holder as PinnedBy,
};

use super::{Report, page, sum};
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
        assert!(pinned >= PAGES * page(), "{holders:#?}");
        let frees = total(|it| it.frees_bytes);
        assert!(frees <= pinned, "{holders:#?}");
        (frees >= pinned - pinned / 16 && total(|it| it.payload_bytes) == PAGES * page())
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

#[test]
fn memory_that_was_registered_with_an_af_xdp_socket_is_found() {
    let test = "memory_that_was_registered_with_an_af_xdp_socket_is_found";
    is_found(test, PinnedBy::Xdp, "xdp", "xdp-memory");
}

#[test]
fn memory_of_an_af_xdp_socket_is_found_to_the_page_and_given_back() {
    let test = "memory_of_an_af_xdp_socket_is_found_to_the_page_and_given_back";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    if let Some(reason) = PinnedBy::Xdp.refusal() {
        skip(test, &reason);
        return;
    }
    let pages = (16 * PAGES).to_string();
    let leak = Leaker::start(LEAK, &["pinned", "--by", "xdp", "--pages", &pages]);
    let bytes = 16 * PAGES * page();
    eventually("all references to be found", || {
        let report = Report::now();
        let holders = report.of(leak.pid());
        let [socket] = holders[..] else {
            panic!("{holders:#?}");
        };
        assert_eq!(socket.kind, "xdp-memory", "{socket:#?}");
        assert_eq!(socket.object, "AF_XDP umem", "{socket:#?}");
        assert_eq!(socket.comm.as_deref(), Some("leak"), "{socket:#?}");
        assert!(
            socket.fd.is_some() && socket.holding.is_none(),
            "{socket:#?}"
        );
        let account = socket.account;
        assert_eq!(account.pinned_bytes, bytes, "{socket:#?}");
        assert_eq!(account.payload_bytes, bytes, "{socket:#?}");
        let is_complete = account.references_found == account.references_counted;
        (is_complete && account.frees_bytes == bytes).then_some(())
    });
    let before = unmapped();
    drop(leak);
    eventually("what was promised to be back", || {
        (unmapped() <= before - bytes + bytes / 16).then_some(())
    });
}

/// Bytes of user memory that is in no mapping.
fn unmapped() -> u64 {
    let finished = Pagetrace::new(&["pages", "--json", "-"]).run();
    assert!(finished.status.success(), "{finished:#?}");
    let report: serde_json::Value = serde_json::from_str(&finished.stdout).expect("JSON");
    let uses = report["uses"].as_array().expect("uses");
    let of_use = |it: &&serde_json::Value| it["page_use"] == "anonymous-unmapped";
    let class = uses.iter().find(of_use);
    class.map_or(0, |it| it["bytes"].as_u64().expect("bytes"))
}
