//! What is asked of reports, and what the answer is.

use std::time::Duration;

use tracer_ebpf::{FIRST_SITE, SITE_TABLE_FULL, STACK_LOST};

use super::*;
use crate::{
    analysis::{
        report,
        sample::{
            Given, everything, known, recorded, reported, reported_as, reported_by, three_sites,
            window,
        },
        window::AGE_BUCKETS,
    },
    model::{AgeBucket, Context, Entry, GroupBy, Kind, Seconds, SortKey, Takers, Window},
};

fn seconds(seconds: u64) -> Seconds {
    Duration::from_secs(seconds).into()
}

fn summed(sites: &[Given], selection: &Selection) -> Summary {
    summary(&reported(sites), selection)
}

fn owners(summary: &Summary) -> Vec<&str> {
    let entries = summary.entries.iter();
    entries.map(|entry| entry.owner.as_str()).collect()
}

#[test]
fn bytes_rank_by_default_and_everything_adds_up() {
    let summary = summed(&three_sites(), &everything());
    assert_eq!(owners(&summary), ["f1", "0x63", "f2"]);
    let totals = &summary.totals;
    assert_eq!((totals.unfreed_pages, totals.unfreed_bytes), (200, 819_200));
    assert_eq!((totals.ranked_pages, totals.ranked_bytes), (200, 819_200));
    assert_eq!(totals.kinds, [(Kind::Raw, 200)].into());
    assert_eq!(totals.sites, 3);
    let ranks: Vec<_> = summary.entries.iter().map(|entry| entry.rank).collect();
    assert_eq!(ranks, [1, 2, 3]);
    assert_eq!(summary.entries[0].bytes, 409_600);
}

#[test]
fn call_sites_of_one_function_are_one_entry() {
    let sites = [
        known(0, &[1, 2], &[40]),
        known(1, &[13, 3], &[30]),
        known(2, &[4], &[50]),
    ];
    let functions = summed(&sites, &everything());
    assert_eq!(owners(&functions), ["f1", "f4"]);
    let entry = &functions.entries[0];
    let shares: Vec<_> = entry.sites.iter().map(|it| (it.site, it.pages)).collect();
    assert_eq!((entry.pages, shares), (70, vec![(1, 40), (2, 30)]));
    assert_eq!(functions.totals.sites, 3);
    let by_stack = Selection {
        by: GroupBy::Stack,
        ..everything()
    };
    assert_eq!(owners(&summed(&sites, &by_stack)), ["f4", "f1", "f1"]);
}

/// Each owner of the entries and its pages.
fn taken(by: GroupBy, takers: Takers) -> Vec<(String, u64)> {
    let sites = [
        known(0, &[1, 2], &[3]),
        known(1, &[1, 2], &[5]),
        known(2, &[4, 3], &[4]),
        known(3, &[1, 10], &[6]),
        (SITE_TABLE_FULL, vec![], vec![1]),
    ];
    let report = reported_by(&sites, takers, |id| {
        if id == FIRST_SITE + 1 { 4712 } else { 4711 }
    });
    let selection = Selection { by, ..everything() };
    let summary = summary(&report, &selection);
    assert_eq!(summary.totals.ranked_pages, 19);
    let entries = summary.entries.into_iter();
    entries.map(|it| (it.owner, it.pages)).collect()
}

#[test]
fn several_stacks_of_one_taker_are_one_entry() {
    let expected = |first: &str, second: &str| {
        let entries = [
            (first, 7),
            ("[interrupt]", 6),
            (second, 5),
            ("[site table full]", 1),
        ];
        entries.map(|(owner, pages)| (owner.to_owned(), pages))
    };
    let processes = taken(GroupBy::Process, Takers::Process);
    assert_eq!(processes, expected("task (pid 4711)", "task (pid 4712)"));
    let cgroups = taken(GroupBy::Cgroup, Takers::Cgroup);
    assert_eq!(cgroups, expected("/pod", "[cgroup 4712]"));
}

#[test]
fn several_takers_of_one_stack_are_one_entry_unless_asked_for() {
    let pages = |by| {
        let entries = taken(by, Takers::Process).into_iter();
        entries.map(|(_, pages)| pages).collect::<Vec<_>>()
    };
    assert_eq!(pages(GroupBy::Stack), [8, 6, 4, 1]);
    assert_eq!(pages(GroupBy::Function), [14, 4, 1]);
}

#[test]
fn a_function_in_a_module_is_another_one() {
    let mut report = reported(&[known(0, &[1, 2], &[40]), known(1, &[13, 3], &[30])]);
    for frame in &mut report.frames {
        frame.module = (frame.address == 13).then(|| "nvme".to_owned());
    }
    let entries = summary(&report, &everything()).entries;
    let modules: Vec<_> = entries.iter().map(|it| it.module.as_deref()).collect();
    assert_eq!(modules, [None, Some("nvme")]);
}

#[test]
fn one_function_can_work_for_tasks_and_interrupts() {
    let sites = [known(0, &[1, 10], &[4]), known(1, &[1, 2], &[4])];
    let summary = summed(&sites, &everything());
    let contexts = &summary.entries[0].contexts;
    assert_eq!(contexts, &[Context::Task, Context::Softirq].into());
}

#[test]
fn growth_is_what_goes_on_all_the_time() {
    let selection = Selection {
        sort: SortKey::Growth,
        ..everything()
    };
    let summary = summed(&three_sites(), &selection);
    let growth = |entry: &Entry| entry.growth_bytes_per_second;
    let growth: Vec<_> = summary.entries.iter().map(growth).collect();
    assert_eq!((owners(&summary)[0], growth), ("f2", vec![5 * 4096, 0, 0]));
}

#[test]
fn the_drain_is_estimated_by_the_growth() {
    let totals = summed(&three_sites(), &everything()).totals;
    assert_eq!(totals.growth_bytes_per_second, 5 * 4096);
    assert_eq!(totals.drain_estimate_bytes, 2 * 5 * 4096);
}

#[test]
fn ages_run_from_old_to_new() {
    let sites = [known(0, &[1], &[7, 0, 0, 0, 0, 0, 0, 3])];
    let summary = summed(&sites, &everything());
    let histogram = &summary.entries[0].age_histogram;
    assert_eq!(histogram.len(), AGE_BUCKETS);
    let bucket = |from, to, pages| AgeBucket {
        from_seconds: seconds(from),
        to_seconds: seconds(to),
        pages,
    };
    assert_eq!(histogram[0], bucket(9, 10, 7));
    assert_eq!(histogram[7], bucket(2, 3, 3));
}

#[test]
fn young_pages_are_left_out_and_counted() {
    let selection = Selection {
        min_age_seconds: seconds(8),
        ..everything()
    };
    let summary = summed(&three_sites(), &selection);
    assert_eq!(owners(&summary), ["f1", "f2"]);
    let totals = &summary.totals;
    assert_eq!((totals.unfreed_pages, totals.too_young_pages), (110, 90));
    assert_eq!(summary.entries[1].orders, [(0, 10)].into());
}

#[test]
fn what_has_no_stack_has_a_name() {
    let sites = [
        (SITE_TABLE_FULL, vec![], vec![2]),
        (STACK_LOST, vec![], vec![1]),
        (FIRST_SITE, vec![1], vec![4]),
    ];
    let summary = summed(&sites, &everything());
    assert_eq!(
        owners(&summary),
        ["f1", "[site table full]", "[stack lost]"]
    );
    assert_eq!(summary.totals.stackless_pages, 3);
}

#[test]
fn a_window_without_length_divides_by_nothing() {
    let nothing = Window {
        record_seconds: Seconds::default(),
        drain_seconds: Seconds::default(),
        ..window()
    };
    let one = recorded(&[(STACK_LOST, vec![], vec![1])], Kind::Raw);
    let host = reported(&[]).host;
    let report = report(host, nothing, one, |_| vec![]);
    let totals = summary(&report, &everything()).totals;
    assert_eq!(totals.unfreed_pages, 1);
}

#[test]
fn what_is_not_asked_for_is_not_lost() {
    let raw = Selection {
        kinds: [Kind::Raw].into(),
        ..Selection::default()
    };
    let summary = summary(&reported_as(&three_sites(), Kind::Slab), &raw);
    assert!(summary.entries.is_empty());
    assert_eq!(summary.totals.unfreed_pages, 200);
    assert_eq!(summary.totals.ranked_pages, 0);
    assert_eq!(summary.unranked_pages(), [(Kind::Slab, 200)].into());
}

#[test]
fn a_module_is_looked_for_in_the_whole_stack() {
    let selection = Selection {
        module: Some("nvme".to_owned()),
        ..everything()
    };
    let sites = [known(0, &[1, 12], &[3]), known(1, &[1, 2], &[5])];
    let summary = summed(&sites, &selection);
    assert_eq!(owners(&summary), ["f1"]);
    assert_eq!(summary.totals.ranked_pages, 3);
    assert_eq!(summary.unranked_pages(), [(Kind::Raw, 5)].into());
}

#[test]
fn equal_entries_come_by_name() {
    let sites = [
        known(0, &[3], &[1]),
        known(1, &[2], &[1]),
        known(2, &[4], &[1]),
    ];
    assert_eq!(owners(&summed(&sites, &everything())), ["f2", "f3", "f4"]);
}
