//! Pseudoterminals, whose buffers the kernel takes by the bunch.

use pagetrace_tests::harness::{Leaker, Site, Tracing, root_or_skip, skip};

use crate::LEAK;

/// The pages of buffers, without those of the bookkeeping about them.
fn buffers(site: &Site) -> bool {
    site.contains("n_tty_open")
        && (site.contains("_x64_sys_openat2") || site.contains("__do_sys_openat2"))
        && !site.through_slab()
        && !maps_memory(site)
        && !site.in_interrupt()
}

/// Whether the pages became page tables.
fn maps_memory(site: &Site) -> bool {
    const LEVELS: [&str; 4] = ["pte_alloc", "pmd_alloc", "pud_alloc", "p4d_alloc"];
    site.symbols()
        .any(|symbol| LEVELS.iter().any(|level| symbol.contains(level)))
}

#[test]
fn terminal_buffers_are_found_to_the_page() {
    const TEST: &str = "terminal_buffers_are_found_to_the_page";
    let Some(_machine) = root_or_skip(TEST) else {
        return;
    };
    let trace = Tracing::attach(&[]);
    let leak = Leaker::start(LEAK, &["ptys", "--count", "200"]);
    let report = trace.end().report;
    let (known, bulk) = (leak.announcement.pages, report.limited("bulk-allocations"));
    let found: u64 = report.pages_where(buffers).values().sum();
    // Kernels that do not take such pages by the bunch show them in any case.
    if let Some(reason) = bulk.filter(|_| found < known) {
        skip(
            TEST,
            &format!("bulk allocations are not traced here: {reason}"),
        );
        return;
    }
    assert_eq!(found, known);
}
