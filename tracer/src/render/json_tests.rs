//! What is written can be read back, and nothing else can.

use std::time::Duration;

use fastrand::Rng;
use jiff::Timestamp;

use super::*;
use crate::{
    analysis::summary,
    model::{
        Choice as _, Context, Feature, Frame, HeldPages, Kind, NoStack, ProgramTime, Saved as _,
        Scope, Seconds, Selection, Site, Task, Unfreed,
    },
    render::sample::{report, selection},
};

fn written(report: &Report, selection: &Selection) -> String {
    let mut text = Vec::new();
    json(report, &summary(report, selection), &mut text).expect("memory takes everything");
    String::from_utf8(text).expect("JSON is UTF-8")
}

fn refusal(json: &str) -> String {
    let error = Report::from_json(json.as_bytes()).expect_err("it is refused");
    crate::render::sentence(&error)
}

#[test]
fn the_document() {
    let report = report();
    let document = Document {
        report: &report,
        summary: &summary(&report, &selection()),
    };
    let text = serde_json::to_string_pretty(&document).expect("it can be written");
    insta::assert_snapshot!("json", text);
}

#[test]
fn the_document_is_one_line() {
    let text = written(&report(), &selection());
    assert_eq!(text.lines().count(), 1);
    assert!(text.starts_with(r#"{"schema":"pagetrace.report/2","#));
}

#[test]
fn what_was_written_is_read_back() {
    let seed = fastrand::u64(..);
    let mut random = Random(Rng::with_seed(seed));
    let reports = std::iter::once(report()).chain((0..200).map(|_| random.report()));
    for report in reports {
        let text = written(&report, &selection());
        let read = Report::from_json(text.as_bytes()).expect("what was written");
        assert_eq!(read, report, "seed {seed}");
    }
}

#[test]
fn a_report_that_was_read_back_shows_the_same() {
    let report = report();
    let text = written(&report, &selection());
    let read = Report::from_json(text.as_bytes()).expect("what was written");
    let old = Selection {
        min_age_seconds: Duration::from_secs(30).into(),
        module: Some("virtio_net".to_owned()),
        ..selection()
    };
    assert_eq!(written(&read, &old), written(&report, &old));
}

#[test]
fn half_a_report_is_refused_wherever_it_ends() {
    let text = written(&report(), &selection());
    let text = text.trim_end();
    assert_eq!(refusal(""), "it is empty");
    for end in (1..text.len()).step_by(3) {
        let refusal = refusal(&text[..end]);
        assert_eq!(
            refusal, "it ends in the middle: it was not written to its end",
            "{end}"
        );
    }
}

#[test]
fn other_documents_are_refused_in_one_sentence() {
    let text = written(&report(), &selection());
    let first = r#"{"schema": "pagetrace.report/1", "host": {"kernel": "6.1"}, "sites": []}"#;
    let third =
        r#"{"schema": "pagetrace.report/3", "tool": {"name": "pagetrace", "version": "9"}}"#;
    let later = text.replace(r#""version":"0.1.0""#, r#""version":"9""#);
    let later = later.replace(r#""kind":"raw""#, r#""kind":"woven""#);
    let cases = [
        (
            first,
            "it is a report of schema pagetrace.report/1, written by pagetrace 0.1.0-dev, an",
        ),
        (
            third,
            "it is a report of schema pagetrace.report/3, written by pagetrace 9: use that",
        ),
        (
            &later,
            concat!(
                "it was written by pagetrace 9, and this is ",
                env!("CARGO_PKG_VERSION"),
                ": use"
            ),
        ),
        (
            &text.replace("raw", "woven"),
            "it is a damaged report: unknown variant `woven`",
        ),
        (
            r#"{"schema": "spdx/2"}"#,
            "it is no report of pagetrace, its schema is spdx/2",
        ),
        (
            r#"{"a": [1, 2]}"#,
            "it is no report of pagetrace (missing field `schema`",
        ),
        ("[]", "it is no report of pagetrace ("),
        (
            "\u{7f}ELF",
            "it is no report of pagetrace (expected value at line 1 column 1)",
        ),
    ];
    for (json, sentence) in cases {
        let refusal = refusal(json);
        assert!(refusal.starts_with(sentence), "{refusal}");
        assert!(!refusal.contains('\n'), "{refusal}");
    }
}

/// Each change that makes a report contradict itself.
type Damage = fn(&mut Report);

#[test]
fn reports_that_contradict_themselves_are_refused() {
    let damages: [(Damage, &str); 7] = [
        (|it| it.host.page_size = 0, "no size"),
        (|it| it.sites[0].stack[1] = 12, "a frame that is missing"),
        (
            |it| it.sites[2].interrupted[0] = u32::MAX,
            "a frame that is missing",
        ),
        (|it| it.sites[0].owner_frame = Some(9), "not on its stack"),
        (|it| it.sites[0].no_stack = Some(NoStack::Lost), "or both"),
        (
            |it| it.taken_pages = u64::MAX / 4096,
            "more pages than there can be",
        ),
        (
            |it| it.sites[1].allocated_pages = u64::MAX,
            "more pages than there can be",
        ),
    ];
    for (damage, reason) in damages {
        let mut report = report();
        let whole = serde_json::to_string(&report).expect("it can be written");
        damage(&mut report);
        let damaged = serde_json::to_string(&report).expect("it can be written");
        assert_ne!(damaged, whole);
        let refusal = refusal(&damaged);
        assert!(refusal.contains(reason), "{refusal}");
        assert!(refusal.starts_with("it is a damaged report: "), "{refusal}");
    }
}

/// Reports that no machine would make.
struct Random(Rng);

impl Random {
    fn report(&mut self) -> Report {
        let mut report = report();
        report.window.started = self.moment();
        report.window.record_seconds = self.seconds();
        report.window.drain_seconds = self.seconds();
        report.window.epochs = self.list(|random| random.seconds());
        report.window.scope = self.one_of(Scope::ALL);
        report.window.filters = self.list(Self::text);
        report.host.kernel = self.text();
        report.cost.process_cpu_seconds = self.maybe(Self::seconds);
        report.cost.programs = self.maybe(|random| ProgramTime {
            runs: random.0.u64(..),
            nanoseconds: random.0.u64(..),
        });
        report.losses.events = self.0.u64(..);
        report.losses.missed_frees_at_end_pages = self.maybe(|random| random.0.u64(..));
        report.limitations = self.list(|random| Feature::Memory.degraded(random.text()));
        report.meminfo = report.meminfo.filter(|_| self.0.bool());
        report.taken_pages = self.0.u64(..1 << 40);
        report.frames = self.list(Self::frame);
        let frames = report.frames.len() as u32;
        report.sites = self.list(|random| random.site(frames));
        report
    }

    fn site(&mut self, frames: u32) -> Site {
        let frames = |random: &mut Self| {
            let mut indices = random.list(|random| random.0.u32(..frames.max(1)));
            indices.truncate(if frames == 0 { 0 } else { 30 });
            indices
        };
        let stack = frames(self);
        let reasons = [NoStack::SiteTableFull, NoStack::Lost];
        let contexts = [Context::Task, Context::Softirq, Context::Irq];
        Site {
            no_stack: stack.is_empty().then(|| self.one_of(&reasons)),
            owner_frame: stack.last().copied().filter(|_| self.0.bool()),
            stack,
            context: self.one_of(&contexts),
            interrupted: frames(self),
            first_seen: self.maybe(|random| Task {
                pid: random.0.u32(..),
                name: random.text(),
            }),
            process: None,
            cgroup: None,
            allocated_pages: self.0.u64(..1 << 40),
            unfreed: self.list(Self::unfreed),
            held_by: self.list(|random| HeldPages {
                holder: random.text(),
                key: random.text(),
                pages: random.0.u64(..1 << 40),
            }),
        }
    }

    fn unfreed(&mut self) -> Unfreed {
        Unfreed {
            kind: self.one_of(Kind::ALL),
            order: self.0.u32(..=10),
            gfp: self.maybe(|random| random.0.u32(..)),
            by_epoch: self.list(|random| (random.0.u32(..5000), random.0.u32(..))),
        }
    }

    fn frame(&mut self) -> Frame {
        Frame {
            symbol: self.maybe(Self::text),
            offset: self.maybe(|random| random.0.u64(..)),
            module: self.maybe(Self::text),
            address: self.0.u64(..),
            file: self.maybe(Self::text),
            line: self.maybe(|random| random.0.u32(..)),
            inlined: self.0.bool(),
        }
    }

    fn moment(&mut self) -> Timestamp {
        let range = Timestamp::MIN.as_second()..Timestamp::MAX.as_second();
        Timestamp::new(self.0.i64(range), self.0.i32(..1_000_000_000)).unwrap_or_default()
    }

    fn seconds(&mut self) -> Seconds {
        Duration::from_millis(self.0.u64(..1 << 40)).into()
    }

    fn text(&mut self) -> String {
        self.list(|random| random.0.char(..)).into_iter().collect()
    }

    fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.0.usize(..values.len())]
    }

    fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.0.bool().then(|| value(self))
    }

    fn list<T>(&mut self, value: impl Fn(&mut Self) -> T) -> Vec<T> {
        (0..self.0.usize(..12)).map(|_| value(self)).collect()
    }
}
