//! Whether memory goes on growing, in a word and in a sentence.

use std::time::Duration;

use super::{columns::NONE, text};
use crate::model::{Choice as _, Entry, Trend, TrendVerdict};

/// In a word, for a column.
pub(super) fn word(entry: &Entry) -> &'static str {
    entry.growth.map_or(NONE, |trend| trend.verdict.name())
}

/// In a sentence, with what it rests on and what would refute it.
pub(super) fn sentence(trend: &Trend) -> String {
    let watched = duration(trend.watched_seconds.duration());
    match trend.verdict {
        TrendVerdict::Growing => growing(trend, &watched),
        TrendVerdict::LevelledOff => {
            format!("levelled off: nearly all that is left was taken early in these {watched}")
        }
        TrendVerdict::OneBurst => {
            format!("one burst: nearly all that is left was taken at once in these {watched}")
        }
        TrendVerdict::TurnsOver => {
            format!(
                "renews itself: hardly anything is left of what it took early in these {watched}"
            )
        }
        TrendVerdict::Undecided => undecided(trend),
    }
}

fn growing(trend: &Trend, watched: &str) -> String {
    let rate = trend.bytes_per_second.unwrap_or_default();
    let [value, low, high] = [rate.value, rate.low, rate.high].map(text::signed_bytes);
    format!(
        "grows by {value}/s ({low} to {high}): a leak, unless its pages live longer than {watched}"
    )
}

fn undecided(trend: &Trend) -> String {
    let why = trend
        .doubt
        .map_or(TrendVerdict::Undecided.help(), |it| it.help());
    let would_tell = trend.would_tell_seconds.map(|window| {
        let window = duration(window.duration());
        format!("; a window of {window} would tell")
    });
    format!("growth undecided: {why}{}", would_tell.unwrap_or_default())
}

/// `12.5 s`, `40 min`, `5 h`.
fn duration(time: Duration) -> String {
    match time.as_secs() {
        0..120 => text::seconds(time),
        seconds @ 120..7200 => format!("{} min", seconds.div_ceil(60)),
        seconds => format!("{} h", text::count(seconds.div_ceil(3600))),
    }
}

#[cfg(test)]
#[path = "trend_tests.rs"]
mod tests;
