//! What people and programs read, word for word.

use std::time::Duration;

use super::*;
use crate::{
    analysis::summary,
    model::{
        Context, Feature, FoldedBy, GroupBy, Kind, KindChoice, Losses, RecursionMisses, Selection,
        Site, Summary, Takers, Task, Unfreed,
    },
    render::{
        folded,
        sample::{losses, report, selection},
    },
};

const SCREEN: Extent = Extent {
    top: 10,
    whole: false,
};

fn shown(report: &Report, selection: &Selection, extent: Extent) -> String {
    let mut text = Vec::new();
    let summary = summary(report, selection);
    table(report, &summary, extent, &mut text).expect("memory takes everything");
    anstream::adapter::strip_str(&String::from_utf8_lossy(&text)).to_string()
}

fn screen(report: &Report) -> String {
    shown(report, &selection(), SCREEN)
}

fn text_of(write: impl Fn(&Report, &Summary, &mut dyn Write) -> io::Result<()>) -> String {
    let mut text = Vec::new();
    let report = report();
    write(&report, &summary(&report, &selection()), &mut text).expect("memory takes everything");
    String::from_utf8(text).expect("all names are UTF-8")
}

fn by_stack(report: &Report, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    folded(report, summary, FoldedBy::Stack, out)
}

#[test]
fn a_leak() {
    insta::assert_snapshot!("leak", screen(&report()));
}

#[test]
fn a_leak_in_full() {
    let all = Extent {
        top: 10,
        whole: true,
    };
    insta::assert_snapshot!("leak_in_full", shown(&report(), &selection(), all));
}

#[test]
fn a_leak_by_stack() {
    let by_stack = Selection {
        by: GroupBy::Stack,
        ..selection()
    };
    insta::assert_snapshot!("leak_by_stack", shown(&report(), &by_stack, SCREEN));
}

#[test]
fn a_leak_by_process() {
    let mut report = report();
    report.window.takers = Some(Takers::Process);
    for (site, pid) in report.sites.iter_mut().zip(4242..) {
        let name = if pid == 4242 { "leak" } else { "\x1b[31mRED" }.to_owned();
        let is_task = site.context == Context::Task && site.no_stack.is_none();
        site.process = is_task.then_some(Task { pid, name });
        site.first_seen.clone_from(&site.process);
    }
    let by_process = Selection {
        by: GroupBy::Process,
        ..selection()
    };
    insta::assert_snapshot!("leak_by_process", shown(&report, &by_process, SCREEN));
}

#[test]
fn old_pages_of_one_kind_in_one_module() {
    let one = Selection {
        kinds: KindChoice::kinds(&[KindChoice::Only(Kind::Slab)]),
        module: Some("virtio_net".to_owned()),
        min_age_seconds: Duration::from_secs(30).into(),
        ..selection()
    };
    insta::assert_snapshot!("nothing_of_this_kind", shown(&report(), &one, SCREEN));
    let raw = Selection {
        kinds: KindChoice::kinds(&[KindChoice::Only(Kind::Raw), KindChoice::Only(Kind::File)]),
        ..one
    };
    insta::assert_snapshot!("some_of_this_kind", shown(&report(), &raw, SCREEN));
}

#[test]
fn no_leak() {
    let idle = Report {
        taken_pages: 1204,
        sites: vec![],
        frames: vec![],
        ..report()
    };
    insta::assert_snapshot!("nothing_kept", screen(&idle));
}

#[test]
fn nothing_but_what_counters_show() {
    let mut counted = report();
    counted
        .sites
        .retain(|site| site.unfreed[0].kind == Kind::Slab);
    insta::assert_snapshot!("nothing_uncounted_kept", screen(&counted));
}

#[test]
fn a_leak_of_something_else() {
    let mut other = report();
    for site in &mut other.sites {
        for unfreed in &mut site.unfreed {
            let factor = if unfreed.kind == Kind::Slab { 2000 } else { 1 };
            for (_, pages) in &mut unfreed.by_epoch {
                *pages *= factor;
            }
        }
    }
    let meminfo = other.meminfo.as_mut().expect("it was read");
    meminfo.ended.insert("Shmem".to_owned(), 300 << 20);
    insta::assert_snapshot!("mostly_other", screen(&other));
}

#[test]
fn a_leak_of_what_is_not_recorded() {
    let mut other = report();
    other.sites.clear();
    let meminfo = other.meminfo.as_mut().expect("it was read");
    for (moment, bytes) in [(&mut meminfo.started, 0), (&mut meminfo.ended, 100 << 20)] {
        moment.insert("Hugetlb".to_owned(), bytes);
    }
    insta::assert_snapshot!("unrecorded", screen(&other));
}

#[test]
fn doubtful_numbers() {
    let mut doubtful = report();
    doubtful.window.filters = vec!["--order 2..3".to_owned(), "--node 0".to_owned()];
    doubtful.losses = Losses {
        events: 1000,
        out_of_range: 34,
        ..Losses::default()
    };
    doubtful.cost.programs = None;
    let refused = "the kernel refuses fexit programs (EPERM)";
    let unread = "cannot read /proc/kpageflags: Permission denied";
    doubtful.limitations = vec![
        Feature::BulkAllocations.degraded(refused),
        Feature::PageVerification.degraded(unread),
    ];
    let none = Extent { top: 0, ..SCREEN };
    insta::assert_snapshot!("doubts", shown(&doubtful, &selection(), none));
}

#[test]
fn few_losses() {
    let mut report = report();
    report.losses = Losses {
        recursion_misses: RecursionMisses {
            alloc: Some(1),
            free: Some(11),
            bulk: None,
        },
        missed_frees_at_end_pages: Some(2),
        ..losses()
    };
    let text = screen(&report);
    let line = text.lines().find(|line| line.starts_with("Losses"));
    insta::assert_snapshot!(line.expect("one line"), @"Losses: 12 recursion misses, 2 missed frees found at the end in 140,000 events; -v explains");
}

#[test]
fn many_losses_come_first() {
    let mut report = report();
    report.losses = Losses {
        recursion_misses: RecursionMisses {
            alloc: Some(14_000),
            free: Some(0),
            bulk: None,
        },
        ..losses()
    };
    let text = screen(&report);
    insta::assert_snapshot!(text.lines().next().expect("a line"), @"10.0 % of the events were lost, 14,000 of 140,000: the numbers below are that far off");
}

/// A.14 of the findings: a full site table loses names and no page.
#[test]
fn pages_without_a_stack_are_no_lost_events() {
    let mut report = report();
    report
        .sites
        .retain(|site| site.no_stack.is_some() || site.stack.len() == 4);
    report.losses.site_table_full = 100_000;
    for site in &mut report.sites {
        site.unfreed[0].by_epoch[0].1 = 300;
    }
    let text = screen(&report);
    assert!(!text.contains("of the events were lost"), "{text}");
    insta::assert_snapshot!(text.lines().next().expect("a line"), @"50.0 % of the pages below have no stack, 300 of 600: they are counted all the same; a larger --max-sites names more");
}

#[test]
fn no_name_reaches_the_terminal_raw() {
    let evil = "\u{1b}[31mRED\nforged line\u{9b}2J";
    let mut report = report();
    report.host.kernel = evil.to_owned();
    report.window.filters = vec![format!("--cgroup {evil}")];
    report.limitations = vec![Feature::BulkAllocations.degraded(evil)];
    for frame in &mut report.frames {
        frame.symbol = Some(evil.to_owned());
        frame.module = Some(evil.to_owned());
        frame.file = Some(evil.to_owned());
    }
    for task in report
        .sites
        .iter_mut()
        .filter_map(|site| site.first_seen.as_mut())
    {
        task.name = evil.to_owned();
    }
    let summary = summary(&report, &selection());
    let mut text = Vec::new();
    let whole = Extent {
        whole: true,
        ..SCREEN
    };
    table(&report, &summary, whole, &mut text).expect("memory takes everything");
    let text = String::from_utf8(text).expect("UTF-8");
    let text = anstream::adapter::strip_str(&text).to_string();
    assert!(text.contains("RED"), "{text}");
    let harmful = |c: char| c.is_control() && c != '\n';
    assert!(!text.contains(harmful), "{text:?}");
    assert!(
        !text.lines().any(|line| line.starts_with("forged")),
        "{text}"
    );
    let mut lines = Vec::new();
    folded(&report, &summary, FoldedBy::Stack, &mut lines).expect("memory takes everything");
    let lines = String::from_utf8(lines).expect("UTF-8");
    assert!(!lines.contains(harmful), "{lines:?}");
    assert_eq!(lines.lines().count(), 4, "{lines}");
}

/// A long stack, as those of sockets are.
#[test]
fn a_long_stack_is_shortened() {
    let mut report = report();
    let stack: Vec<_> = (0..30)
        .map(|depth| crate::model::Frame {
            symbol: Some(format!("function_{depth}")),
            address: depth,
            ..crate::model::Frame::default()
        })
        .collect();
    report.sites = vec![Site {
        stack: (0..30).collect(),
        owner_frame: Some(6),
        interrupted: vec![],
        unfreed: vec![Unfreed {
            kind: Kind::Raw,
            order: 0,
            gfp: None,
            by_epoch: vec![(0, 9)],
        }],
        ..report.sites[0].clone()
    }];
    report.frames = stack;
    insta::assert_snapshot!("long_stack", screen(&report));
}

#[test]
fn the_first_screen_has_what_matters() {
    let text = screen(&report());
    let screen: Vec<_> = text.lines().take(24).collect();
    for part in ["kept", "1  ", "→ anon_pipe_write", "Losses: none"] {
        assert!(
            screen.iter().any(|line| line.contains(part)),
            "{part}: {text}"
        );
    }
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{text}");
}

#[test]
fn the_folded_stacks() {
    insta::assert_snapshot!("folded", text_of(by_stack));
}

#[test]
fn the_stacks_folded_by_holder() {
    let by_holder = |report: &Report, summary: &Summary, out: &mut dyn Write| {
        folded(report, summary, FoldedBy::Holder, out)
    };
    insta::assert_snapshot!("folded_by_holder", text_of(by_holder));
}

#[test]
fn folded_bytes_add_up() {
    let text = text_of(by_stack);
    let bytes = text
        .lines()
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok());
    let report = report();
    let totals = summary(&report, &selection()).totals;
    assert_eq!(bytes.sum::<u64>(), totals.ranked_bytes);
}

#[test]
fn colours_can_be_taken_out() {
    let mut text = Vec::new();
    let report = report();
    let summary = summary(&report, &selection());
    table(&report, &summary, SCREEN, &mut text).expect("memory takes everything");
    assert!(String::from_utf8_lossy(&text).contains("\u{1b}[31m1"));
    assert!(!screen(&report).contains('\u{1b}'));
}
