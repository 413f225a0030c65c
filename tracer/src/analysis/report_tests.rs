//! Tests of the report on windows made by hand.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::*;
use crate::{
    analysis::{Cell, Timeline, window::AGE_BUCKETS},
    model::{AgeBucket, Context, KindChoice, Scope},
};
use tracer_ebpf::{FIRST_SITE, SITE_TABLE_FULL, STACK_LOST};

const SECOND: Duration = Duration::from_secs(1);

/// Names addresses below 10 after themselves, 10 as the entry of softirqs, 11
/// as the way to vmalloc, 12 as in a module, and nothing else.
fn few(addresses: &[u64]) -> Vec<Vec<Frame>> {
    let frame = |&address| match address {
        0..10 => Frame::named(&format!("f{address}")),
        10 => Frame::named("handle_softirqs"),
        11 => Frame::named("__vmalloc_node_range"),
        12 => Frame {
            module: Some("nvme".to_owned()),
            ..Frame::named("fill")
        },
        _ => Frame::unnamed(address),
    };
    addresses
        .iter()
        .map(|address| vec![frame(address)])
        .collect()
}

/// Eight seconds recorded, two drained, an epoch a second.
fn measured() -> Measured {
    let mut timeline = Timeline::default();
    (1..8).for_each(|second| {
        timeline.begin(SECOND * second);
    });
    Measured {
        started: Timestamp::UNIX_EPOCH,
        recorded: SECOND * 8,
        watched: SECOND * 10,
        timeline,
        scope: Scope::Kernel,
        filters: vec![],
    }
}

fn host() -> Host {
    Host {
        kernel: "6.18".to_owned(),
        arch: "x86_64".to_owned(),
        cpus: 2,
        page_size: 4096,
        mem_total_bytes: 1 << 30,
    }
}

/// One site: its id, its stack, and its pages per epoch.
type Given = (u32, Vec<u64>, Vec<u32>);

fn known(index: u32, frames: &[u64], pages_per_epoch: &[u32]) -> Given {
    (
        FIRST_SITE + index,
        frames.to_vec(),
        pages_per_epoch.to_vec(),
    )
}

fn recorded(sites: &[Given], kind: Kind) -> Recorded {
    let cells = |&(id, _, ref pages): &Given| {
        let pages = (0..).zip(pages.clone()).filter(|&(_, pages)| pages > 0);
        pages.map(move |(epoch, pages)| (id, Cell { epoch, kind }, pages))
    };
    let record = |frames: &[u64]| SiteRecord {
        frames: frames.to_vec(),
        ..SiteRecord::default()
    };
    let survivors = sites.iter().flat_map(cells);
    let records = sites.iter().map(|(id, frames, _)| (*id, record(frames)));
    Recorded {
        survivors: survivors.collect(),
        records: records.collect(),
        ..Recorded::default()
    }
}

fn everything() -> Selection {
    Selection {
        kinds: KindChoice::kinds(&[KindChoice::All]),
        ..Selection::default()
    }
}

fn reported(sites: &[Given], selection: &Selection) -> Report {
    reported_as(sites, Kind::Raw, selection)
}

fn reported_as(sites: &[Given], kind: Kind, selection: &Selection) -> Report {
    report(host(), &measured(), recorded(sites, kind), few, selection)
}

fn owners(report: &Report) -> Vec<&str> {
    report
        .sites
        .iter()
        .map(|site| site.owner.as_str())
        .collect()
}

fn three_sites() -> [Given; 3] {
    [
        known(0, &[1], &[0, 100]),
        known(1, &[2], &[5; 8]),
        known(2, &[99], &[0, 0, 0, 0, 0, 0, 0, 60]),
    ]
}

#[test]
fn bytes_rank_by_default_and_everything_adds_up() {
    let report = reported(&three_sites(), &everything());
    assert_eq!(owners(&report), ["f1", "0x63", "f2"]);
    assert_eq!(
        report.totals,
        Totals {
            unfreed_pages: 200,
            unfreed_bytes: 819_200,
            ranked_pages: 200,
            ranked_bytes: 819_200,
            kinds: [(Kind::Raw, 200)].into(),
            sites: 3
        }
    );
    let ranks: Vec<_> = report.sites.iter().map(|site| site.rank).collect();
    assert_eq!(ranks, [1, 2, 3]);
}

#[test]
fn growth_is_what_goes_on_all_the_time() {
    let report = reported(
        &three_sites(),
        &Selection {
            sort: SortKey::Growth,
            ..everything()
        },
    );
    let growth: Vec<_> = report
        .sites
        .iter()
        .map(|it| it.growth_bytes_per_second)
        .collect();
    assert_eq!((owners(&report)[0], growth), ("f2", vec![5 * 4096, 0, 0]));
}

#[test]
fn ages_run_from_old_to_new() {
    let report = reported(&[known(0, &[1], &[7, 0, 0, 0, 0, 0, 0, 3])], &everything());
    let histogram = &report.sites[0].age_histogram;
    assert_eq!(histogram.len(), AGE_BUCKETS);
    assert_eq!(
        histogram[0],
        AgeBucket {
            from_seconds: 9.0,
            to_seconds: 10.0,
            pages: 7
        }
    );
    assert_eq!(
        histogram[7],
        AgeBucket {
            from_seconds: 2.0,
            to_seconds: 3.0,
            pages: 3
        }
    );
}

#[test]
fn young_pages_are_left_out_and_counted() {
    let selection = Selection {
        min_age: SECOND * 8,
        ..everything()
    };
    let report = reported(&three_sites(), &selection);
    assert_eq!(owners(&report), ["f1", "f2"]);
    assert_eq!(
        (report.totals.unfreed_pages, report.too_young_pages),
        (110, 90)
    );
}

#[test]
fn what_has_no_stack_has_a_name() {
    let report = reported(
        &[
            (SITE_TABLE_FULL, vec![], vec![2]),
            (STACK_LOST, vec![], vec![1]),
        ],
        &everything(),
    );
    assert_eq!(owners(&report), ["[site table full]", "[stack lost]"]);
}

#[test]
fn a_window_without_length_divides_by_nothing() {
    let nothing = Measured {
        recorded: Duration::ZERO,
        watched: Duration::ZERO,
        ..measured()
    };
    let recorded = recorded(&[(STACK_LOST, vec![], vec![1])], Kind::Raw);
    let report = report(host(), &nothing, recorded, few, &everything());
    assert_eq!(report.totals.unfreed_pages, 1);
}

#[test]
fn what_is_not_asked_for_comes_last_and_is_not_lost() {
    let raw = Selection {
        kinds: [Kind::Raw].into(),
        ..Selection::default()
    };
    let report = reported_as(&three_sites(), Kind::Slab, &raw);
    assert!(report.ranked().is_empty());
    assert_eq!(report.totals.unfreed_pages, 200);
    assert_eq!(report.totals.ranked_pages, 0);
    assert_eq!(report.unranked_pages(), [(Kind::Slab, 200)].into());
}

#[test]
fn a_module_is_looked_for_in_the_whole_stack() {
    let selection = Selection {
        module: Some("nvme".to_owned()),
        ..everything()
    };
    let sites = [known(0, &[1, 12], &[3]), known(1, &[1, 2], &[5])];
    let report = reported(&sites, &selection);
    assert_eq!(report.ranked().len(), 1);
    assert_eq!(report.totals.ranked_pages, 3);
    assert_eq!(report.unranked_pages(), [(Kind::Raw, 5)].into());
}

#[test]
fn the_way_to_a_page_tells_what_no_flag_does() {
    let report = reported(&[known(0, &[11, 1], &[3])], &everything());
    assert_eq!(report.sites[0].kinds, [(Kind::Vmalloc, 3)].into());
}

#[test]
fn an_interrupt_is_one_site_whomever_it_hits() {
    let sites = [
        known(0, &[1, 10, 2], &[3]),
        known(1, &[1, 10, 3, 4], &[5]),
        known(2, &[1, 2], &[7]),
    ];
    let report = reported(&sites, &everything());
    let interrupt = &report.sites[0];
    assert_eq!(
        (interrupt.unfreed_pages, interrupt.context),
        (8, Context::Softirq)
    );
    assert_eq!(interrupt.frames.len(), 2);
    assert_eq!(interrupt.interrupted_frames, [Arc::new(Frame::named("f2"))]);
    assert_eq!(report.sites[1].context, Context::Task);
}
