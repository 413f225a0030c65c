//! Tests of the report on windows made by hand.

use jiff::Timestamp;

use super::*;
use crate::{
    analysis::{Timeline, window::AGE_BUCKETS},
    capture::Scope,
};

const SECOND: Duration = Duration::from_secs(1);

/// Names addresses below 10 after themselves, and nothing else.
struct Names;

impl Symbolize for Names {
    fn frames(&self, addresses: &[u64]) -> Vec<Vec<Frame>> {
        let frame = |&address| match address {
            0..10 => Frame::named(&format!("f{address}")),
            _ => Frame::unnamed(address),
        };
        addresses
            .iter()
            .map(|address| vec![frame(address)])
            .collect()
    }
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

fn group(pages_per_epoch: &[u64]) -> Group {
    let epochs = (0..)
        .zip(pages_per_epoch.iter().copied())
        .filter(|&(_, pages)| pages > 0);
    Group {
        unfreed: BTreeMap::from([(0, epochs.collect())]),
        ..Group::default()
    }
}

fn recorded(groups: BTreeMap<Stack, Group>) -> Recorded {
    Recorded {
        groups,
        ..Recorded::default()
    }
}

fn reported(groups: &[(Stack, Group)], selection: Selection) -> Report {
    let groups = groups.iter().cloned().collect();
    report(host(), &measured(), recorded(groups), &Names, selection)
}

fn owners(report: &Report) -> Vec<&str> {
    report
        .sites
        .iter()
        .map(|site| site.owner.as_str())
        .collect()
}

fn three_sites() -> [(Stack, Group); 3] {
    [
        (Stack::Known(vec![1]), group(&[0, 100])),
        (Stack::Known(vec![2]), group(&[5; 8])),
        (Stack::Known(vec![99]), group(&[0, 0, 0, 0, 0, 0, 0, 60])),
    ]
}

#[test]
fn bytes_rank_by_default_and_everything_adds_up() {
    let report = reported(&three_sites(), Selection::default());
    assert_eq!(owners(&report), ["f1", "0x63", "f2"]);
    assert_eq!(
        report.totals,
        Totals {
            unfreed_pages: 200,
            unfreed_bytes: 819_200,
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
        Selection {
            sort: SortKey::Growth,
            ..Selection::default()
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
    let report = reported(
        &[(Stack::Known(vec![1]), group(&[7, 0, 0, 0, 0, 0, 0, 3]))],
        Selection::default(),
    );
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
        ..Selection::default()
    };
    let report = reported(&three_sites(), selection);
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
            (Stack::SiteTableFull, group(&[2])),
            (Stack::Lost, group(&[1])),
        ],
        Selection::default(),
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
    let groups = BTreeMap::from([(Stack::Lost, group(&[1]))]);
    let report = report(
        host(),
        &nothing,
        recorded(groups),
        &Names,
        Selection::default(),
    );
    assert_eq!(report.totals.unfreed_pages, 1);
}
