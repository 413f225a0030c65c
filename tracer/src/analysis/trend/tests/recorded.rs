//! Windows of 20 seconds that were recorded on Linux 6.18 while a program did what the name says,
//! cut to the call sites of one function. Others used it as well.

use serde_json::from_slice;

use crate::{
    analysis::{sample::everything, summary},
    model::{Doubt, Report, Trend, TrendVerdict},
};

fn trend(report: &[u8]) -> Trend {
    let report: Report = from_slice(report).expect("it is a report");
    let summary = summary(&report, &everything());
    let entry = summary.entries.first().expect("something is left");
    entry.growth.expect("it is the first")
}

/// A page in a pipe every 5 ms, 763 KiB a second with what Python takes in between.
#[test]
fn a_leak() {
    let leak = trend(include_bytes!("recorded/leak.json"));
    assert_eq!(leak.verdict, TrendVerdict::Growing);
    let rate = leak.bytes_per_second.expect("it grows");
    assert!(rate.low > 700 << 10 && rate.high < 820 << 10, "{rate:?}");
    assert!(leak.kept_share > Some(0.95));
}

/// One of some 1,000 pages stays.
#[test]
fn a_slow_leak_under_heavy_churn() {
    let leak = trend(include_bytes!("recorded/leak_under_churn.json"));
    assert_eq!(leak.verdict, TrendVerdict::Growing);
    assert!(leak.kept_share < Some(0.01));
}

/// Pages in pipes that are closed 1.5 seconds later on average.
#[test]
fn a_steady_pool() {
    let pool = trend(include_bytes!("recorded/pool.json"));
    assert_eq!(pool.verdict, TrendVerdict::TurnsOver, "{pool:?}");
}

/// Pages in 2,400 pipes, which are closed then, over and over: the last time in the drain.
#[test]
fn a_sawtooth() {
    let sawtooth = trend(include_bytes!("recorded/sawtooth.json"));
    assert_eq!(sawtooth.verdict, TrendVerdict::TurnsOver, "{sawtooth:?}");
}

/// Fewer and fewer pages stay.
#[test]
fn a_saturating_cache() {
    let cache = trend(include_bytes!("recorded/cache.json"));
    assert_eq!(cache.verdict, TrendVerdict::LevelledOff);
}

/// Files are written for five seconds, and by a compiler now and then.
#[test]
fn a_page_cache() {
    let cache = trend(include_bytes!("recorded/file_cache.json"));
    assert_eq!(cache.doubt, Some(Doubt::Slowing));
}

/// More and fewer pipes in a rhythm of five seconds, each for six seconds.
#[test]
fn a_rhythm() {
    let rhythm = trend(include_bytes!("recorded/rhythm.json"));
    assert_eq!(rhythm.verdict, TrendVerdict::TurnsOver, "{rhythm:?}");
}

/// 2,000 pipes at once, and others that are closed at once.
#[test]
fn a_burst() {
    let burst = trend(include_bytes!("recorded/burst.json"));
    assert_eq!(burst.verdict, TrendVerdict::OneBurst);
}

/// `stress-ng --pipe 1 --sockpair 1`
#[test]
fn a_load_without_a_leak() {
    let load = trend(include_bytes!("recorded/stress_ng.json"));
    assert_eq!(load.verdict, TrendVerdict::TurnsOver, "{load:?}");
}
