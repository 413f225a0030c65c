//! What is on screens of several sizes, cell by cell.

use std::{sync::Arc, time::Duration};

use insta::assert_snapshot;
use jiff::{SignedDuration, Timestamp};
use ratatui::{
    Terminal,
    backend::TestBackend,
    style::{Color, Modifier},
};

use super::{draw, style::Styles};
use crate::{
    analysis::{
        self,
        top::{History, Point, Tables, detail},
    },
    kernel::meminfo,
    model::{
        KindChoice, Look, LookSchema, LookSource, MemoryCounters, Process, Threshold, TopPosition,
        TopScreen, TopSort, TopTab,
    },
    render::sample::report,
};

const INCIDENT: &str = include_str!("../../analysis/balance/incident-1-meminfo.txt");
const UNACCOUNTED: [KindChoice; 1] = [KindChoice::Unaccounted];

/// A look at which a share of the pages in pipes has been taken: so many of eight parts.
fn look(eighths: u32) -> Look {
    let mut report = report();
    for unfreed in &mut report.sites[0].unfreed {
        for (_, pages) in &mut unfreed.by_epoch {
            *pages = *pages / 8 * eighths;
        }
    }
    let memory = MemoryCounters {
        page_size: 4096,
        meminfo: meminfo::lines(INCIDENT),
        ..MemoryCounters::default()
    };
    let process = |pid, name: &str, mib: u64| Process {
        pid,
        name: name.to_owned(),
        anonymous_bytes: Some(mib << 20),
        ..Process::default()
    };
    Look {
        schema: LookSchema::V1,
        taken_at: Timestamp::from_second(1_795_000_060).expect("a moment in 2026")
            + SignedDuration::from_secs(2 * i64::from(eighths)),
        source: LookSource::OwnTrace,
        report,
        balance: analysis::balance(&memory, Threshold::Usual).ok(),
        processes: Some(vec![
            process(4242, "leak", 3),
            process(99, "\u{1b}[31mRED\nдлинное имя 日本語", 700),
        ]),
    }
}

/// What a test looks at, of eight looks.
struct Shown {
    look: Look,
    tables: Tables,
    history: History,
}

fn eight_looks() -> Shown {
    let points = (1..=8).map(|eighths| {
        let look = look(eighths);
        Arc::new(Point::of(&look, &Tables::of(&look, &UNACCOUNTED)))
    });
    let points: Vec<_> = points.collect();
    of(look(8), &History::until(&points, 7))
}

fn of(look: Look, history: &History) -> Shown {
    let mut tables = Tables::of(&look, &UNACCOUNTED);
    history.describe(&mut tables);
    tables.sort(TopSort::Bytes);
    Shown {
        look,
        tables,
        history: history.clone(),
    }
}

impl Shown {
    fn screen(&self, tab: TopTab) -> TopScreen<'_> {
        let rows = self.tables.rows(tab);
        TopScreen {
            look: &self.look,
            unaccounted_change_bytes: self.history.unaccounted_change_bytes(),
            tab,
            sort: TopSort::Bytes,
            rows,
            selected: (!rows.is_empty()).then_some(0),
            detail: None,
            scroll: 0,
            is_paused: false,
            interval: Duration::from_secs(2),
            position: None,
            complaint: None,
        }
    }

    fn inside(&self, tab: TopTab) -> TopScreen<'_> {
        let row = &self.tables.rows(tab)[0];
        TopScreen {
            detail: detail(&self.look, &self.tables, tab, row),
            ..self.screen(tab)
        }
    }
}

fn terminal(screen: &TopScreen<'_>, size: (u16, u16), styles: Styles) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).expect("no I/O");
    terminal
        .draw(|frame| {
            draw(screen, styles, frame);
        })
        .expect("no I/O");
    terminal
}

const COLOURS: Styles = Styles { has_colours: true };

fn shown(screen: &TopScreen<'_>, size: (u16, u16)) -> String {
    terminal(screen, size, COLOURS).backend().to_string()
}

#[test]
fn sites_on_a_usual_screen() {
    assert_snapshot!(shown(&eight_looks().screen(TopTab::Sites), (80, 24)));
}

#[test]
fn sites_on_a_tiny_screen() {
    assert_snapshot!(shown(&eight_looks().screen(TopTab::Sites), (20, 5)));
}

#[test]
fn sites_on_a_large_screen() {
    assert_snapshot!(shown(&eight_looks().screen(TopTab::Sites), (200, 60)));
}

#[test]
fn the_other_tables() {
    let looks = eight_looks();
    let tabs = [TopTab::Holders, TopTab::Processes, TopTab::Kinds];
    let screens = tabs.map(|tab| shown(&looks.screen(tab), (110, 10)));
    assert_snapshot!(screens.join("\n"));
}

#[test]
fn inside_a_site() {
    assert_snapshot!(shown(&eight_looks().inside(TopTab::Sites), (80, 24)));
}

#[test]
fn inside_the_others() {
    let looks = eight_looks();
    let tabs = [TopTab::Holders, TopTab::Processes, TopTab::Kinds];
    let screens = tabs.map(|tab| shown(&looks.inside(tab), (60, 8)));
    assert_snapshot!(screens.join("\n"));
}

#[test]
fn a_recording_and_a_complaint() {
    let looks = eight_looks();
    let recording = TopScreen {
        position: Some(TopPosition { number: 8, of: 12 }),
        is_paused: true,
        ..looks.screen(TopTab::Sites)
    };
    let complaint = TopScreen {
        complaint: Some("No later look: \u{1b}[2Jgone"),
        ..looks.screen(TopTab::Sites)
    };
    let screens = [recording, complaint].map(|it| shown(&it, (80, 11)));
    assert_snapshot!(screens.join("\n"));
}

#[test]
fn nothing_is_there_yet() {
    let mut empty = look(1);
    empty.report.sites.clear();
    empty.processes = None;
    empty.balance = None;
    let shown_ = of(empty, &History::default());
    let screens = TopTab::ALL.map(|tab| shown(&shown_.screen(tab), (60, 6)));
    assert_snapshot!(screens.join("\n"));
}

/// Whatever size a terminal has, there is no panic, and the answer is seen.
#[test]
fn every_size() {
    let looks = eight_looks();
    for width in (1..12).chain((12..150).step_by(17)) {
        for height in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 40] {
            for tab in TopTab::ALL {
                let screen = shown(&looks.screen(tab), (width, height));
                shown(&looks.inside(tab), (width, height));
                if width >= 20 {
                    assert!(screen.contains("GiB unacc"), "{screen}");
                }
            }
        }
    }
}

#[test]
fn what_stands_out_does_so_without_colours() {
    let looks = eight_looks();
    let screen = looks.screen(TopTab::Sites);
    let colours = |has_colours| {
        let terminal = terminal(&screen, (80, 24), Styles { has_colours });
        let cells = terminal.backend().buffer().content.iter();
        let cells: Vec<_> = cells.map(|it| (it.fg, it.modifier)).collect();
        (cells.iter().any(|it| it.0 == Color::Red), cells)
    };
    let (is_red, _) = colours(true);
    assert!(is_red);
    let (is_red, cells) = colours(false);
    assert!(!is_red);
    assert!(cells.iter().all(|it| it.0 == Color::Reset));
    assert!(cells[0].1.contains(Modifier::BOLD));
    let is_selected = |it: &(Color, Modifier)| it.1.contains(Modifier::REVERSED);
    assert!(cells.iter().any(is_selected));
}
