//! Call sites come and go: their ids are used again.

use pagetrace_tests::harness::{Stress, eventually, root_or_skip, skip};

use crate::{hold_500_pipes, pages_in_pipes};
use pagetrace_tests::harness::Service;

#[test]
fn ids_of_sites_are_used_again_and_pages_keep_theirs() {
    let test = "ids_of_sites_are_used_again_and_pages_keep_theirs";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    // A kernel at work has several times as many stacks, most of which have no page for long.
    let service = Service::start(&["--every", "1", "--max-sites", "100", "--no-holders"]);
    let _leak = hold_500_pipes();
    let before = pages_in_pipes(&service.report(&[]));
    assert_eq!(before, 8000, "there was room for the first ones");
    let Some(stress) = Stress::start(&[
        "--fork",
        "1",
        "--sockpair",
        "1",
        "--dir",
        "1",
        "--timeout",
        "60",
    ]) else {
        return skip(test, "stress-ng is not installed");
    };
    let reused = || {
        let (_, status) = service.get("/status");
        let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
        status["reused_sites"].as_u64().filter(|&it| it >= 20)
    };
    let reused = eventually("ids to be used again", reused);
    drop(stress);
    let report = service.report(&[]);
    assert_eq!(
        pages_in_pipes(&report),
        8000,
        "{reused} ids were used again: {report:#?}"
    );
    assert_eq!(report.losses.mismatched_sites, 0, "{:?}", report.losses);
}
