//! The end-to-end suite: runs the built binary on real leaks, as root, on the
//! running kernel. One program, so that it can be carried into a virtual machine.

mod bad_input;
mod calibration;
mod checks;
mod churn;
mod command;
mod degraded;
mod destinations;
mod diff;
mod doctor;
mod filters;
mod holders;
mod hotplug;
mod interface;
mod interrupts;
mod leak_programs;
mod losses;
mod mem;
mod mem_holders;
mod memory_hotplug;
mod memory_limit;
mod model;
mod module;
mod monitoring;
mod nesting;
mod no_room;
mod outputs;
mod packet_ring;
mod pages;
mod perf_rings;
mod pictures;
mod pipes;
mod proc;
mod ptys;
mod ranking;
mod report;
mod schemas;
mod scope;
mod self_check;
mod serve;
mod shm;
mod signals;
mod site_table;
mod sock;
mod symbols;
mod takers;
mod tcp;
mod terminal;
mod thp;
mod top;
mod tracefs;
mod two_tracers;
mod unix_dgrams;
mod unwinding;
mod verification;

use pagetrace_tests::harness::{Leaker, Report};

/// The helper program that takes pages.
const LEAK: &str = env!("CARGO_BIN_EXE_leak");

/// Fills 500 pipes: 8000 pages.
fn hold_500_pipes() -> Leaker {
    let leak = Leaker::start(LEAK, &["pipes", "--count", "500", "--pages", "16"]);
    assert_eq!(leak.announcement.pages, 8000);
    leak
}

/// Pages in pipes that this leak, and nobody else, has filled: see `Pipe::fill`.
fn pages_in_pipes(report: &Report) -> u64 {
    let sites = report.sites_where(|site| site.contains("pipe_write") && site.contains("writev"));
    sites.iter().map(|site| site.unfreed_pages).sum()
}

/// Pages taken by `Anon`'s way of faulting memory in, and the page tables for them.
fn populated(report: &Report) -> u64 {
    report.sum_where(|site| site.contains("mlock") && !site.in_interrupt())
}
