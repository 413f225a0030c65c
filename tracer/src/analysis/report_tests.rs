//! What a report says of windows made by hand.

use tracer_ebpf::{FIRST_SITE, SITE_TABLE_FULL, STACK_LOST};

use super::*;
use crate::{
    analysis::sample::{known, reported, reported_by, three_sites},
    model::Kind,
};

/// The names of a stack's frames, and the addresses of those without a name.
fn names(report: &Report, indices: &[u32]) -> Vec<String> {
    let name = |frame: &Frame| {
        let symbol = frame.symbol.clone();
        symbol.unwrap_or_else(|| format!("{:#x}", frame.address))
    };
    report.frames_at(indices).map(name).collect()
}

fn stacks(report: &Report) -> Vec<Vec<String>> {
    let sites = report.sites.iter();
    sites.map(|site| names(report, &site.stack)).collect()
}

#[test]
fn the_largest_site_comes_first() {
    let report = reported(&three_sites());
    assert_eq!(
        stacks(&report),
        [vec!["f1"], vec!["0x63", "f1"], vec!["f2"]]
    );
    let pages: Vec<_> = report.sites.iter().map(Site::unfreed_pages).collect();
    assert_eq!(pages, [100, 60, 40]);
}

#[test]
fn every_page_keeps_its_epoch() {
    let report = reported(&[known(0, &[1], &[7, 0, 0, 3])]);
    let [unfreed] = &report.sites[0].unfreed[..] else {
        panic!("{report:#?}")
    };
    assert_eq!((unfreed.kind, unfreed.order), (Kind::Raw, 0));
    assert_eq!(unfreed.by_epoch, [(0, 7), (3, 3)]);
}

#[test]
fn frames_stand_once_and_only_if_they_are_used() {
    let sites = [
        known(0, &[1, 2, 3], &[4]),
        known(1, &[2, 1], &[9]),
        known(2, &[5], &[0]),
    ];
    let report = reported(&sites);
    assert_eq!(names(&report, &[0, 1, 2]), ["f2", "f1", "f3"]);
    assert_eq!(report.frames.len(), 3);
    assert_eq!(stacks(&report), [vec!["f2", "f1"], vec!["f1", "f2", "f3"]]);
    let owners: Vec<_> = report.sites.iter().map(|site| site.owner_frame).collect();
    assert_eq!(owners, [Some(0), Some(1)]);
}

#[test]
fn what_has_no_stack_says_why() {
    let report = reported(&[
        (SITE_TABLE_FULL, vec![], vec![2]),
        (STACK_LOST, vec![], vec![1]),
    ]);
    let reasons: Vec<_> = report.sites.iter().map(|site| site.no_stack).collect();
    assert_eq!(reasons, [Some(NoStack::SiteTableFull), Some(NoStack::Lost)]);
    assert!(report.sites.iter().all(|site| site.owner_frame.is_none()));
}

#[test]
fn the_way_to_a_page_tells_what_no_flag_does() {
    let report = reported(&[known(0, &[11, 1], &[3])]);
    assert_eq!(report.sites[0].unfreed[0].kind, Kind::Vmalloc);
}

#[test]
fn an_interrupt_is_one_site_whomever_it_hits() {
    let sites = [
        known(0, &[1, 10, 2], &[3]),
        known(1, &[1, 10, 3, 4], &[5]),
        known(2, &[1, 2], &[7]),
    ];
    let report = reported(&sites);
    let [interrupt, task] = &report.sites[..] else {
        panic!("{report:#?}")
    };
    assert_eq!(
        (interrupt.unfreed_pages(), interrupt.context),
        (8, Context::Softirq)
    );
    assert_eq!(interrupt.stack.len(), 2);
    assert_eq!(names(&report, &interrupt.interrupted), ["f2"]);
    assert_eq!(task.context, Context::Task);
}

/// What three processes took by one stack, one of them by another as well, and an interrupt on top
/// of two of them.
fn by_taker(takers: Takers) -> Report {
    let sites = [
        known(0, &[1, 2], &[3]),
        known(1, &[1, 2], &[5]),
        known(2, &[1, 3], &[4]),
        known(3, &[1, 10, 2], &[6]),
        known(4, &[1, 10, 3], &[8]),
        (STACK_LOST, vec![], vec![1]),
    ];
    reported_by(&sites, takers, |id| match id - FIRST_SITE.min(id) {
        0 | 2 | 3 => 4711,
        _ => 4712,
    })
}

#[test]
fn takers_of_one_stack_are_sites_of_their_own_and_interrupts_are_not() {
    let report = by_taker(Takers::Process);
    let pages_and_pid =
        |site: &Site| (site.unfreed_pages(), site.process.as_ref().map(|it| it.pid));
    let sites: Vec<_> = report.sites.iter().map(pages_and_pid).collect();
    let expected = [
        (14, None),
        (5, Some(4712)),
        (4, Some(4711)),
        (3, Some(4711)),
        (1, None),
    ];
    assert_eq!(sites, expected);
    assert_eq!(report.sites[0].context, Context::Softirq);
    assert!(report.sites.iter().all(|site| site.cgroup.is_none()));
}

#[test]
fn a_cgroup_has_its_path_as_long_as_it_is_there() {
    let report = by_taker(Takers::Cgroup);
    let cgroups = report.sites.iter().filter_map(|site| site.cgroup.as_ref());
    let cgroups: Vec<_> = cgroups.map(|it| (it.id, it.path.as_deref())).collect();
    let (known, gone) = ((4711, Some("/pod")), (4712, None));
    assert_eq!(cgroups, [gone, known, known]);
    assert!(report.sites.iter().all(|site| site.process.is_none()));
}

#[test]
fn only_a_task_is_the_first_of_a_site() {
    let sites = [known(0, &[1, 10, 2], &[9]), known(1, &[1, 2], &[7])];
    let report = reported(&sites);
    let tasks: Vec<_> = report.sites.iter().map(|site| &site.first_seen).collect();
    assert_eq!(tasks[0], &None);
    assert_eq!(tasks[1].as_ref().map(|task| task.pid), Some(7));
}
