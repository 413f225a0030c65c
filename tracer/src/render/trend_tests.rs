//! What is said of growth, word for word.

use super::*;
use crate::model::{Doubt, Rate, Seconds};

fn seconds(seconds: u64) -> Seconds {
    Duration::from_secs(seconds).into()
}

fn trend(verdict: TrendVerdict) -> Trend {
    Trend {
        verdict,
        doubt: None,
        would_tell_seconds: None,
        bytes_per_second: Some(Rate {
            value: 10 << 10,
            low: 9 << 10,
            high: 11 << 10,
        }),
        kept_share: Some(0.125),
        oldest_seconds: Some(seconds(30)),
        sixteenths: 16,
        epochs: 400,
        watched_seconds: seconds(60),
    }
}

#[test]
fn each_verdict_says_what_it_rests_on() {
    let sentences = TrendVerdict::ALL
        .iter()
        .map(|&verdict| sentence(&trend(verdict)));
    let expected = [
        "grows by 10.00 KiB/s (9.00 KiB to 11.00 KiB): a leak, unless its pages live longer than 60.0 s",
        "levelled off: nearly all that is left was taken early in these 60.0 s",
        "renews itself: hardly anything is left of what it took early in these 60.0 s",
        "one burst: nearly all that is left was taken at once in these 60.0 s",
        "growth undecided: the window does not tell",
    ];
    assert_eq!(sentences.collect::<Vec<_>>(), expected);
}

#[test]
fn a_doubt_says_how_long_a_window_would_tell() {
    let slowing = Trend {
        doubt: Some(Doubt::Slowing),
        would_tell_seconds: Some(seconds(7201)),
        ..trend(TrendVerdict::Undecided)
    };
    let expected = "growth undecided: it slows down, as a cache does that fills up; a window of 3 h \
                    would tell";
    assert_eq!(sentence(&slowing), expected);
    assert_eq!(duration(Duration::from_secs(121)), "3 min");
}
