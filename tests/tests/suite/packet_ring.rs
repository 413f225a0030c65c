//! Blocks of packet rings: exact to the page for every order.

use std::collections::BTreeMap;

use pagetrace_tests::harness::{Leaker, Report, Site, Tracing, root_or_skip};

use crate::LEAK;

fn hold_ring(blocks: &str, order: &str) -> Leaker {
    Leaker::start(LEAK, &["packet-ring", "--blocks", blocks, "--order", order])
}

/// The blocks of rings, without the slabs that a ring's list of blocks may take.
fn in_ring(site: &Site) -> bool {
    site.contains("packet_set_ring") && !site.through_slab()
}

fn rings(report: &Report) -> Vec<&Site> {
    report.sites_where(in_ring)
}

#[test]
fn a_ring_holds_blocks_of_one_order() {
    let Some(_machine) = root_or_skip("a_ring_holds_blocks_of_one_order") else {
        return;
    };
    let trace = Tracing::attach(&[]);
    let _ring = hold_ring("200", "3");
    let report = trace.end().report;
    let [site] = rings(&report)[..] else {
        panic!("{:#?}", rings(&report))
    };
    assert_eq!(site.orders, BTreeMap::from([(3, 200 * 8)]));
    assert_eq!(site.unfreed_pages, 200 * 8);
}

#[test]
fn rings_of_several_orders_are_told_apart() {
    let Some(_machine) = root_or_skip("rings_of_several_orders_are_told_apart") else {
        return;
    };
    let trace = Tracing::attach(&[]);
    let _rings = [
        hold_ring("301", "0"),
        hold_ring("57", "1"),
        hold_ring("31", "3"),
        hold_ring("16", "5"),
        hold_ring("2", "10"),
    ];
    let expected = BTreeMap::from([
        (0, 301),
        (1, 57 << 1),
        (3, 31 << 3),
        (5, 16 << 5),
        (10, 2 << 10),
    ]);
    let report = trace.end().report;
    assert_eq!(report.pages_where(in_ring), expected);
}

#[test]
fn a_closed_ring_is_gone() {
    let Some(_machine) = root_or_skip("a_closed_ring_is_gone") else {
        return;
    };
    let trace = Tracing::attach(&[]);
    hold_ring("31", "3").release();
    hold_ring("16", "5").release();
    let report = trace.end().report;
    assert!(rings(&report).is_empty(), "{:#?}", rings(&report));
}
