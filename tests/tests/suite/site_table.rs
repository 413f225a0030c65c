//! A site table that is too small loses names, never pages.

use std::sync::atomic::Ordering;

use pagetrace_tests::{
    harness::{Leaker, Tracing, eventually, root_or_skip, stay_on},
    model::{MadeUpStack, Programs, Settings},
};
use tracer_ebpf::{FIRST_SITE, SITE_TABLE_FULL, Slot};

use crate::LEAK;

const MESSAGE: &str = "pagetrace: the site table is full";

#[test]
fn a_full_site_table_keeps_the_sum() {
    let Some(_machine) = root_or_skip("a_full_site_table_keeps_the_sum") else {
        return;
    };
    let trace = Tracing::attach(&["--max-sites", "1"]);
    let _pipes = Leaker::start(LEAK, &["pipes", "--count", "500", "--pages", "16"]);
    let _ring = Leaker::start(LEAK, &["packet-ring", "--blocks", "64", "--order", "4"]);
    let outputs = trace.end();
    let report = &outputs.report;

    let named = report.sites_where(|site| !site.frames.is_empty());
    assert!(named.len() <= 1, "{named:#?}");
    let full = report.sites_where(|site| site.owner == "[site table full]");
    let [full] = full[..] else {
        panic!("{:#?}", report.sites)
    };
    // Whoever came first has the only name; at least one of the leaks has none.
    assert!(full.unfreed_pages >= 64 << 4, "{full:#?}");
    assert!(report.totals.unfreed_pages >= 8000 + (64 << 4));
    assert!(report.losses.site_table_full > 0);
    // Every page is counted: only who took it is not known.
    assert!(
        !outputs.table.contains("of the events were lost"),
        "{}",
        outputs.table
    );
    assert!(
        outputs.table.contains("of the pages below have no stack"),
        "{}",
        outputs.table
    );
    assert!(outputs.stderr.contains(MESSAGE), "{}", outputs.stderr);
}

#[test]
fn what_comes_after_the_sixteenth_site_has_its_bytes_and_no_name() {
    let Some(_machine) =
        root_or_skip("what_comes_after_the_sixteenth_site_has_its_bytes_and_no_name")
    else {
        return;
    };
    let mut trace = Tracing::attach(&["--max-sites", "16"]);
    eventually("the site table to fill up", || {
        // Forks, files and sockets: on every kernel more than sixteen stacks.
        drop(Leaker::start(LEAK, &["churn", "--seconds", "1"]));
        trace.running().stderr().contains(MESSAGE).then_some(())
    });
    let _ring = Leaker::start(LEAK, &["packet-ring", "--blocks", "3", "--order", "9"]);
    let report = trace.end().report;

    let named = report.sites_where(|site| !site.frames.is_empty());
    assert!(named.len() <= 16, "{named:#?}");
    assert!(!named.iter().any(|site| site.contains("packet_set_ring")));
    let full = report.sites_where(|site| site.owner == "[site table full]");
    let [full] = full[..] else {
        panic!("{:#?}", report.sites)
    };
    assert_eq!(full.orders.get(&9), Some(&(3 << 9)), "{full:#?}");
    let named: u64 = named.iter().map(|site| site.unfreed_pages).sum();
    assert_eq!(report.totals.unfreed_pages, named + full.unfreed_pages);
}

/// Stacks that are unwound by a rule to a site that is known, and to none.
const KNOWN: MadeUpStack = MadeUpStack::of(0xffff_ffff_8123_4567);
const UNKNOWN: MadeUpStack = MadeUpStack::of(0xffff_ffff_8765_4321);
/// A stack without a rule.
const NEW: MadeUpStack = MadeUpStack::of(0xffff_ffff_8111_1111);

/// Where a page goes that is allocated with a stack.
fn site_of(programs: &Programs, stack: MadeUpStack, gfp: u32) -> u32 {
    programs
        .allocate(0, gfp, &stack)
        .expect("the kernel runs it");
    Slot(programs.slots()[0].load(Ordering::Relaxed)).site()
}

#[test]
fn a_full_site_table_costs_neither_an_unwind_nor_its_queue() {
    let Some(_machine) = root_or_skip("a_full_site_table_costs_neither_an_unwind_nor_its_queue")
    else {
        return;
    };
    // Each CPU finds out for itself.
    stay_on(0);
    let settings = Settings {
        check_every: Some(u32::MAX >> 1),
        ..Settings::new(1, 1)
    };
    let known = FIRST_SITE;
    let mut programs = Programs::load(settings).expect("root may load the programs");
    programs.know(KNOWN).expect("a rule");
    programs.know(UNKNOWN).expect("a rule");
    programs.add_key(KNOWN.key(0, 0), known).expect("a key");
    // Takes the only id, so that there is none.
    assert_eq!(site_of(&programs, NEW, 0), known);
    assert_eq!(site_of(&programs, NEW, 1), SITE_TABLE_FULL);
    let before = programs.counters().expect("the counters");
    programs.add_free_site(known).expect("the queue has room");

    for _ in 0..100 {
        assert_eq!(site_of(&programs, KNOWN, 0), known);
        assert_eq!(site_of(&programs, UNKNOWN, 0), SITE_TABLE_FULL);
    }
    let after = programs.counters().expect("the counters");
    assert_eq!(after.unwind.hits - before.unwind.hits, 200, "{after:?}");
    assert_eq!(after.unwind.misses, before.unwind.misses, "{after:?}");
    let full = |counters: &tracer_ebpf::Counters| counters.allocations().site_table_full;
    assert_eq!(full(&after) - full(&before), 100, "{after:?}");
    // Without a rule the stack is unwound, and nobody asks the queue.
    assert_eq!(site_of(&programs, NEW, 2), SITE_TABLE_FULL);
    assert_eq!(site_of(&programs, NEW, 0), known);
}
