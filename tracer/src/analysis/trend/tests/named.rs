//! One of each shape, by hand, and what is no shape at all.

use std::time::Duration;

use crate::{
    analysis::trend::{
        shape::{Left, SLICES, Shape},
        trend_of_samples,
    },
    model::{Doubt, TrendVerdict},
};

/// What is said of so much left in each slice, of so much that was taken.
fn shape(slices: [u32; SLICES], taken: u32) -> Shape {
    let left: u32 = slices.iter().sum();
    Left {
        slices: slices.map(f64::from),
        allocations: f64::from(left),
        share: Some(f64::from(left) / f64::from(taken)),
        drain: 0.25,
    }
    .shape()
}

fn verdict(slices: [u32; SLICES], taken: u32) -> TrendVerdict {
    shape(slices, taken).verdict
}

fn doubt(slices: [u32; SLICES], taken: u32) -> Option<Doubt> {
    shape(slices, taken).doubt
}

#[test]
fn what_stays_of_every_slice_grows() {
    let leak = [9, 11, 10, 8, 12, 10, 9, 10, 11, 10, 9, 12, 10, 11, 9, 10];
    let shape = shape(leak, 161);
    assert_eq!(shape.verdict, TrendVerdict::Growing);
    let rate = shape.rate.expect("it grows");
    assert_eq!((rate.low, rate.value, rate.high), (9.0, 10.0, 11.0));
}

#[test]
fn a_slow_leak_is_seen_below_heavy_churn() {
    let churn = [
        9, 11, 10, 8, 12, 10, 9, 10, 11, 12, 13, 20, 60, 200, 900, 4000,
    ];
    assert_eq!(verdict(churn, 1_000_000), TrendVerdict::Growing);
}

#[test]
fn what_fills_early_has_levelled_off() {
    let cache = [900, 500, 300, 160, 90, 50, 30, 16, 9, 5, 3, 1, 1, 0, 0, 0];
    assert_eq!(verdict(cache, 2065), TrendVerdict::LevelledOff);
    let renewed = [
        900, 500, 300, 160, 90, 50, 30, 16, 0, 0, 0, 0, 0, 5, 80, 700,
    ];
    assert_eq!(verdict(renewed, 30_000), TrendVerdict::LevelledOff);
    let filling = [
        900, 850, 790, 730, 690, 650, 600, 560, 530, 490, 460, 430, 400, 380, 350, 330,
    ];
    assert_eq!(doubt(filling, 9140), Some(Doubt::Slowing));
}

#[test]
fn what_was_emptied_renews_itself() {
    let sawtooth = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 70, 70, 70, 70, 70, 70];
    assert_eq!(verdict(sawtooth, 1120), TrendVerdict::TurnsOver);
    // The same, if nothing was ever given back.
    assert_eq!(doubt(sawtooth, 420), Some(Doubt::Recent));
    let young = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 900];
    assert_eq!(verdict(young, 1_000_000), TrendVerdict::TurnsOver);
}

#[test]
fn one_time_is_one_burst() {
    let mut burst = [0; SLICES];
    burst[6] = 900;
    burst[13] = 3;
    assert_eq!(verdict(burst, 5000), TrendVerdict::OneBurst);
    let mut late = [0; SLICES];
    late[14] = 900;
    assert_eq!(doubt(late, 900), Some(Doubt::Recent));
}

#[test]
fn pages_that_live_about_as_long_as_the_window_are_no_leak_for_sure() {
    let pool = [
        30, 32, 34, 37, 39, 42, 45, 48, 51, 55, 58, 62, 66, 71, 76, 81,
    ];
    assert_eq!(doubt(pool, 1600), Some(Doubt::LongLived));
    let windows = shape(pool, 1600).windows;
    assert!((8.0..9.0).contains(&windows), "{windows}");
}

#[test]
fn few_pages_say_nothing() {
    let mut few = [0; SLICES];
    assert_eq!(verdict(few, 1), TrendVerdict::TurnsOver);
    few[3] = 1;
    few[7] = 2;
    assert_eq!(doubt(few, 30), Some(Doubt::TooFew));
    assert_eq!(verdict(few, 9000), TrendVerdict::TurnsOver);
}

/// A sample each second of what a function of the time is.
fn sampled(seconds: u32, bytes: impl Fn(f64) -> f64) -> Vec<(Duration, u64)> {
    let sample = |second| {
        let time = Duration::from_secs(u64::from(second));
        (time, bytes(f64::from(second)) as u64)
    };
    (0..seconds).map(sample).collect()
}

#[test]
fn samples_have_a_slope() {
    let saw = |time: f64| 5e5 * (time / 7.0).fract();
    let leak = trend_of_samples(&sampled(600, |time| 1e6 + 1000.0 * time + saw(time)));
    assert_eq!(leak.verdict, TrendVerdict::Growing);
    let rate = leak.bytes_per_second.expect("there are samples");
    assert!((900..1100).contains(&rate.value), "{rate:?}");
    assert!(rate.low <= rate.value && rate.value <= rate.high);
    let none = trend_of_samples(&sampled(600, |time| 1e6 + saw(time)));
    assert_eq!(none.verdict, TrendVerdict::TurnsOver);
    let cache = trend_of_samples(&sampled(600, |time| 1e7 * (1.0 - (-time / 50.0).exp())));
    assert_eq!(cache.verdict, TrendVerdict::LevelledOff);
}

#[test]
fn a_series_with_gaps_is_too_short() {
    let gap = [(0, 1), (1, 2), (900, 3)].map(|(time, bytes)| (Duration::from_secs(time), bytes));
    for samples in [&gap[..], &gap[..1], &[]] {
        let trend = trend_of_samples(samples);
        assert_eq!(trend.doubt, Some(Doubt::TooShort));
        assert_eq!(trend.bytes_per_second, None);
    }
}

#[test]
fn the_longest_times_and_largest_amounts_are_no_trouble() {
    let samples: Vec<_> = (0..64)
        .map(|part| (Duration::MAX / 64 * part, u64::MAX - u64::from(part % 2)))
        .collect();
    assert_eq!(trend_of_samples(&samples).verdict, TrendVerdict::TurnsOver);
}
