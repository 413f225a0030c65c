//! Tables and their history, and keys.

use jiff::{SignedDuration, Timestamp};

use super::{History, Point, Tables, View, detail};
use crate::{
    analysis::sample::{known, reported, three_sites},
    model::{
        HeldPages, KindChoice, Look, LookSchema, LookSource, Process, Report, TopDetail, TopExtent,
        TopKey, TopRow, TopSort, TopStep, TopTab,
    },
};

const UNACCOUNTED: [KindChoice; 1] = [KindChoice::Unaccounted];

fn look(report: Report, second: i64) -> Look {
    let process = Process {
        pid: 7,
        start_time_ticks: 1,
        name: "leak".to_owned(),
        anonymous_bytes: Some(4096),
        ..Process::default()
    };
    Look {
        schema: LookSchema::V1,
        taken_at: Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second),
        source: LookSource::OwnTrace,
        report,
        balance: None,
        processes: Some(vec![process]),
    }
}

/// 200 pages in three sites, of which one has no name; 60 of one are with process 7, 5 with process 9.
fn held() -> Report {
    let mut report = reported(&three_sites());
    let held = |key: &str, pages| HeldPages {
        holder: format!("{key}!"),
        key: key.to_owned(),
        pages,
    };
    report.sites[0].held_by = vec![held("pipe None [7]", 60), held("ring None [9, 7]", 5)];
    report
}

fn tables(look: &Look) -> Tables {
    Tables::of(look, &UNACCOUNTED)
}

fn lines(tables: &Tables, tab: TopTab) -> Vec<(&str, u64)> {
    let rows = tables.rows(tab).iter();
    rows.map(|it| (it.name.as_str(), it.bytes / 4096)).collect()
}

#[test]
fn each_table_has_its_lines() {
    let look = look(held(), 0);
    let mut tables = tables(&look);
    tables.sort(TopSort::Bytes);
    assert_eq!(
        lines(&tables, TopTab::Sites),
        [("f1", 100), ("0x63", 60), ("f2", 40)]
    );
    assert_eq!(
        lines(&tables, TopTab::Holders),
        [("pipe None [7]!", 60), ("ring None [9, 7]!", 5)]
    );
    assert_eq!(
        lines(&tables, TopTab::Processes),
        [("leak (pid 7)", 61), ("pid 9", 5)]
    );
    assert_eq!(lines(&tables, TopTab::Kinds), [("raw", 200)]);
    tables.sort(TopSort::Name);
    assert_eq!(
        lines(&tables, TopTab::Sites),
        [("0x63", 60), ("f1", 100), ("f2", 40)]
    );
}

#[test]
fn growth_is_measured_from_look_to_look() {
    let mut history = History::default();
    let mut last = None;
    for second in 0..=60 {
        let pages = 10 + second as u32;
        let look = look(reported(&[known(0, &[1], &[pages])]), second);
        let mut tables = tables(&look);
        history.push(Point::of(&look, &tables));
        history.describe(&mut tables);
        last = Some(tables);
    }
    let tables = last.expect("some looks");
    let row = &tables.rows(TopTab::Sites)[0];
    assert_eq!(row.change_bytes, Some(60 * 4096));
    assert_eq!(row.bytes_per_second, Some(4096));
    assert_eq!(row.history.len(), 32);
    assert_eq!(row.history.last(), Some(&Some(70 * 4096)));
    assert_eq!(row.history.first(), Some(&Some(39 * 4096)));
}

#[test]
fn what_comes_later_had_nothing_before() {
    let mut history = History::default();
    let before = look(reported(&[]), 0);
    history.push(Point::of(&before, &tables(&before)));
    let after = look(held(), 10);
    let mut tables = tables(&after);
    history.push(Point::of(&after, &tables));
    history.describe(&mut tables);
    tables.sort(TopSort::Growth);
    let row = &tables.rows(TopTab::Sites)[0];
    assert_eq!(
        (row.name.as_str(), row.change_bytes),
        ("f1", Some(100 * 4096))
    );
    assert_eq!(row.bytes_per_second, Some(10 * 4096));
    // Only the largest processes are looked at: of another, nothing is known.
    let other = tables.rows(TopTab::Processes).iter();
    let other: Vec<_> = other.filter(|it| it.name == "pid 9").collect();
    assert_eq!(other[0].change_bytes, None);
}

#[test]
fn one_look_has_no_rate() {
    let mut history = History::default();
    let look = look(held(), 0);
    let mut tables = tables(&look);
    history.push(Point::of(&look, &tables));
    history.push(Point::of(&look, &tables));
    history.describe(&mut tables);
    let row = &tables.rows(TopTab::Sites)[0];
    assert_eq!((row.change_bytes, row.bytes_per_second), (Some(0), None));
}

#[test]
fn a_line_has_its_parts() {
    let look = look(held(), 0);
    let tables = tables(&look);
    let parts = |tab: TopTab, name: &str| {
        let rows = tables.rows(tab).iter();
        let row = rows.clone().find(|it| it.name == name).expect(name);
        detail(&look, &tables, tab, row).expect("a detail")
    };
    assert!(matches!(parts(TopTab::Sites, "f1"), TopDetail::Site(it) if it.pages == 100));
    let pages = |detail| match detail {
        TopDetail::Parts { parts, .. } => parts,
        TopDetail::Site(_) => panic!("no site"),
    };
    let holder = pages(parts(TopTab::Holders, "pipe None [7]!"));
    assert_eq!(holder, [(60 * 4096, "f1".to_owned())]);
    let process = pages(parts(TopTab::Processes, "leak (pid 7)"));
    assert_eq!(process, [(60 * 4096, "pipe None [7]!".to_owned())]);
    let kind = pages(parts(TopTab::Kinds, "raw"));
    let expected = [(100, "f1"), (60, "0x63"), (40, "f2")];
    let expected = expected.map(|(pages, name)| (pages * 4096, name.to_owned()));
    assert_eq!(kind, expected);
}

fn row(key: usize) -> TopRow {
    TopRow {
        key: key.to_string(),
        ..TopRow::default()
    }
}

#[test]
fn what_is_selected_stays_selected() {
    let mut view = View::default();
    let rows: Vec<_> = (0..5).map(row).collect();
    assert_eq!(view.selected(&rows), Some(0));
    view.press(TopKey::Down, &rows);
    assert_eq!(view.selected(&rows), Some(1));
    let reversed: Vec<_> = (0..5).rev().map(row).collect();
    assert_eq!(view.selected(&reversed), Some(3));
    // It goes away: the line in its place is.
    let fewer: Vec<_> = [0, 2, 3].map(row).into();
    assert_eq!(view.selected(&fewer), Some(1));
    assert_eq!(view.selected(&[]), None);
    // The first is whichever is first.
    view.press(TopKey::Home, &rows);
    assert_eq!(view.selected(&reversed), Some(0));
}

#[test]
fn enter_leads_into_a_line_and_escape_back() {
    let mut view = View::default();
    let rows: Vec<_> = (0..5).map(row).collect();
    view.press(TopKey::Enter, &rows);
    assert_eq!(view.scroll, Some(0));
    let extent = TopExtent {
        room: 10,
        detail_lines: 12,
    };
    view.settle(extent);
    view.press(TopKey::PageDown, &rows);
    assert_eq!(view.scroll, Some(2));
    let reversed: Vec<_> = (0..5).rev().map(row).collect();
    assert_eq!(view.selected(&reversed), Some(4));
    view.press(TopKey::Escape, &rows);
    assert_eq!(view.scroll, None);
    view.press(TopKey::Enter, &[]);
    assert_eq!(view.scroll, None);
}

/// Whatever is typed, and whatever becomes of the lines meanwhile.
#[test]
fn the_selection_is_a_line_as_long_as_there_is_one() {
    const KEYS: [TopKey; 22] = [
        TopKey::Up,
        TopKey::Down,
        TopKey::Left,
        TopKey::Right,
        TopKey::PageUp,
        TopKey::PageDown,
        TopKey::Home,
        TopKey::End,
        TopKey::Enter,
        TopKey::Escape,
        TopKey::Tab,
        TopKey::BackTab,
        TopKey::Char('1'),
        TopKey::Char('4'),
        TopKey::Char('5'),
        TopKey::Char('b'),
        TopKey::Char('g'),
        TopKey::Char('n'),
        TopKey::Char('p'),
        TopKey::Char('q'),
        TopKey::Char(' '),
        TopKey::Char('\u{1f980}'),
    ];
    let mut random = fastrand::Rng::with_seed(4711);
    let mut view = View::default();
    for _ in 0..100_000 {
        let mut rows: Vec<_> = (0..random.usize(0..40)).map(row).collect();
        random.shuffle(&mut rows);
        let key = random.choice(KEYS).expect("some keys");
        let (tab, sort) = (view.tab, view.sort);
        let step = view.press(key, &rows);
        assert_eq!(step == TopStep::Quit, key == TopKey::Char('q'));
        assert_eq!(view.selected(&rows).is_some(), !rows.is_empty());
        assert!(view.selected(&rows).is_none_or(|it| it < rows.len()));
        assert!(view.tab == tab || view.scroll.is_none());
        assert!(view.sort == sort || "bgn".contains(|it| key == TopKey::Char(it)));
        let extent = TopExtent {
            room: random.usize(0..30),
            detail_lines: random.usize(0..60),
        };
        view.settle(extent);
        let end = extent.detail_lines.saturating_sub(extent.room);
        assert!(view.scroll.is_none_or(|it| it <= end));
    }
}
