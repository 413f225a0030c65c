use jiff::Timestamp;

use super::*;
use crate::model::{Host, Losses, Schema, Scope, Tool, TopTab, Window};

const KINDS: [KindChoice; 1] = [KindChoice::Unaccounted];

fn report(second: i64) -> Report {
    Report {
        schema: Schema::default(),
        tool: Tool::own(),
        host: Host {
            kernel: "6.18".to_owned(),
            arch: "x86_64".to_owned(),
            cpus: 2,
            page_size: 4096,
            mem_total_bytes: 1 << 30,
        },
        window: Window {
            started: Timestamp::from_second(second).expect("a moment"),
            record_seconds: Default::default(),
            drain_seconds: Default::default(),
            epochs: vec![],
            recorded_before_seconds: None,
            scope: Scope::Kernel,
            filters: vec![],
            takers: None,
        },
        cost: Default::default(),
        losses: Losses::default(),
        limitations: vec![],
        meminfo: None,
        taken_pages: 0,
        frames: vec![],
        gfp_flags: Default::default(),
        images: Default::default(),
        sites: vec![],
    }
}

fn line(second: i64) -> String {
    let look = of_report(report(second));
    serde_json::to_string(&look).expect("it is JSON") + "\n"
}

fn opened(text: &str) -> Result<(Replay, Look)> {
    Replay::of(text.as_bytes().to_vec(), &KINDS)
}

#[test]
fn looks_are_gone_through_in_both_directions() {
    let text = [1, 2, 3].map(line).join("\n");
    let (mut replay, first) = opened(&text).expect("three looks");
    assert_eq!(first.taken_at.as_second(), 1);
    let second = |look: Option<Look>| look.map(|it| it.taken_at.as_second());
    assert_eq!(second(replay.back()), None);
    assert_eq!(second(replay.forward()), Some(2));
    assert_eq!(second(replay.forward()), Some(3));
    assert_eq!(second(replay.forward()), None);
    assert_eq!(replay.position(), TopPosition { number: 3, of: 3 });
    assert_eq!(second(replay.back()), Some(2));
    let mut tables = Tables::of(&first, &KINDS);
    replay.history().describe(&mut tables);
    assert!(tables.rows(TopTab::Sites).is_empty());
}

#[test]
fn a_line_that_was_not_written_whole_is_left_out() {
    let text = line(1) + &line(2)[..100];
    let (replay, _) = opened(&text).expect("one look");
    assert_eq!(replay.position().of, 1);
}

#[test]
fn a_report_is_one_look_and_reports_are_several() {
    let json = |second| serde_json::to_string(&report(second)).expect("it is JSON");
    let (replay, first) = opened(&json(5)).expect("a report");
    assert_eq!((replay.position().of, first.source), (1, LookSource::Saved));
    let lines = [6, 7].map(json).join("\n") + "\n";
    let (replay, _) = opened(&lines).expect("two reports");
    assert_eq!(replay.position().of, 2);
}

#[test]
fn what_is_no_recording_is_refused_in_one_sentence() {
    let sentence = |text: &str| match opened(text) {
        Ok(_) => panic!("{text} is no recording"),
        Err(error) => format!("{error:#}"),
    };
    assert_eq!(sentence(""), "it is empty");
    assert!(
        sentence("hello").contains("no look"),
        "{}",
        sentence("hello")
    );
    let broken = line(1) + "{}\n" + &line(2);
    assert!(
        sentence(&broken).starts_with("line 2: "),
        "{}",
        sentence(&broken)
    );
}

#[test]
fn a_compressed_recording_is_read_up_to_where_it_was_cut_off() {
    let frame = |second| zstd::encode_all(line(second).as_bytes(), 1).expect("memory");
    let whole = [frame(1), frame(2)].concat();
    for bytes in [&whole[..], &whole[..whole.len() - 10]] {
        let text = take::decompressed_up_to_its_end(bytes.to_vec()).expect("one frame at least");
        let (replay, _) = Replay::of(text, &KINDS).expect("a recording");
        let is_whole = bytes.len() == whole.len();
        assert_eq!(replay.position().of, if is_whole { 2 } else { 1 });
    }
}
