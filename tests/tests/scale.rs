//! A report on very many sites, in a process of its own: its peak of memory is
//! that of the report.

use std::io;

use fastrand::Rng;
use pagetrace_tests::{
    harness::seed,
    scale::{SyntheticSites, peak_bytes},
};

#[test]
fn many_sites_need_little_memory() {
    const PAGES: usize = 6_000_000;
    let seed = seed("many_sites_need_little_memory");
    let mut synthetic =
        SyntheticSites::new(&mut Rng::with_seed(seed), 100_000, PAGES).expect("room");
    let (report, _) = synthetic.report(&mut io::sink()).expect("it works");
    let peak = peak_bytes().expect("every kernel tells it");
    let of_sites: u64 = report.sites.iter().map(|site| site.unfreed_pages()).sum();
    assert_eq!(of_sites, PAGES as u64);
    assert_eq!(report.sites.len(), 100_000);
    let beside_table = peak - synthetic.table.bytes() as u64;
    assert!(beside_table <= 300_000_000, "{beside_table} bytes");
}
