use super::*;
use crate::{
    analysis::{
        sample::{everything, reported, three_sites},
        summary,
    },
    model::{HeldPages, Kind, Unfreed},
};

fn held(pages: u64) -> HeldPages {
    HeldPages {
        holder: format!("a pipe with {pages}"),
        key: String::new(),
        pages,
    }
}

fn unfreed(kind: Kind, order: u32, pages: u32) -> Unfreed {
    Unfreed {
        kind,
        order,
        gfp: Some(order),
        by_epoch: vec![(0, pages)],
    }
}

#[test]
fn holders_are_dealt_out_over_what_no_counter_shows() {
    let mut report = reported(&three_sites());
    report.sites.truncate(1);
    let site = &mut report.sites[0];
    site.unfreed = vec![unfreed(Kind::Slab, 3, 8), unfreed(Kind::Raw, 0, 10)];
    site.held_by = vec![held(4), held(7)];
    let samples = samples(&report, &everything());
    let seen: Vec<_> = samples
        .iter()
        .map(|it| (it.kind, it.order, it.holder, it.pages))
        .collect();
    assert_eq!(
        seen,
        [
            (Kind::Raw, 0, Some(0), 4),
            (Kind::Raw, 0, Some(1), 6),
            (Kind::Slab, 3, Some(1), 1),
            (Kind::Slab, 3, None, 7),
        ]
    );
    assert_eq!(samples[2].gfp, Some(3));
}

#[test]
fn they_add_up_to_what_is_ranked() {
    let report = reported(&three_sites());
    for selection in [everything(), Selection::default()] {
        let samples = samples(&report, &selection);
        let pages: u64 = samples.iter().map(|it| it.pages).sum();
        assert_eq!(pages, summary(&report, &selection).totals.ranked_pages);
    }
}

#[test]
fn a_holder_without_pages_does_not_stop_it() {
    let mut report = reported(&three_sites());
    report.sites.truncate(1);
    let site = &mut report.sites[0];
    site.unfreed = vec![unfreed(Kind::Raw, 0, 1)];
    site.held_by = vec![held(0), held(0)];
    let samples = samples(&report, &everything());
    assert_eq!(samples.len(), 1);
    assert_eq!((samples[0].holder, samples[0].pages), (None, 1));
}
