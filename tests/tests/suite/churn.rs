//! A workload that gives everything back: nobody in it is accused.

use std::process::{Command, Stdio};

use pagetrace_tests::harness::{Site, Tracing, announcement, note, root_or_skip};

use crate::LEAK;

/// Long enough for frees to be lost in interrupts on most machines.
const SECONDS: &str = "60";

/// What the workload is made of, by the functions it calls in the kernel. Other
/// programs do not write to pipes its way: see `Pipe::fill`. The blocks that UDP
/// sends from are left out: the last buffers of a socket wait on a list of their
/// CPU until it receives again (`skb_attempt_defer_free`), so they are still out.
/// So are page tables of the kernel's own addresses, which it never gives back;
/// Linux 5.10 has no flag for them.
fn in_workload(site: &Site) -> bool {
    const WAYS: [&str; 5] = [
        "udp_rcv",
        "unix_dgram_sendmsg",
        "writev",
        "kernel_clone",
        "ext4_",
    ];
    WAYS.iter().any(|way| site.contains(way)) && !site.contains("pte_alloc_kernel")
}

/// Runs the workload to its end; gives how many pages it moved.
fn churn() -> u64 {
    let mut command = Command::new(LEAK);
    let command = command.args(["churn", "--seconds", SECONDS]);
    let output = command.stdin(Stdio::null()).output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    let stdout = String::from_utf8(output.stdout).expect("one line");
    announcement(&stdout).expect("one line").pages
}

#[test]
fn nothing_that_was_freed_is_accused() {
    let Some(_machine) = root_or_skip("nothing_that_was_freed_is_accused") else {
        return;
    };
    let trace = Tracing::attach(&["--kind", "raw"]);
    let moved = churn();
    let outputs = trace.end();
    let losses = &outputs.report.losses;
    note(&format!(
        "the workload moved {moved} pages; {} of {} events lost, {} of them nested, {:?} frees, {:?} \
         missed frees found at the end, {} at reuse",
        losses.lost_events(),
        losses.events,
        losses.nested_allocations,
        losses.recursion_misses.free,
        losses.missed_frees_at_end_pages,
        losses.missed_frees_at_reuse_pages
    ));
    let raw = |site: &Site| in_workload(site) && site.kinds.contains_key("raw");
    let accused = outputs.report.sites_where(raw);
    assert!(accused.is_empty(), "{accused:#?}");
    assert_eq!(losses.mismatched_sites, 0, "{losses:?}");
    assert!(moved > 10_000, "{moved} pages moved");
}
