//! Growth or not: whether what a site keeps, or an amount that was sampled, goes on growing.

mod estimate;
mod growing;
mod series;
mod shape;
mod site;

#[cfg(test)]
mod tests;

use std::time::Duration;

use estimate::Estimate;
use shape::Shape;
pub(super) use site::Kept;

use crate::model::{Doubt, Rate, Seconds, Trend, TrendVerdict};

/// What samples of an amount in bytes, each with the time since the first, say of its growth. There
/// must be one at least for each sixteenth of the time.
pub fn trend_of_samples(samples: &[(Duration, u64)]) -> Trend {
    let watched = samples.last().map(|last| last.0).unwrap_or_default();
    let points: Vec<_> = samples
        .iter()
        .map(|&(time, bytes)| (time.as_secs_f64(), bytes as f64))
        .collect();
    let trend = Trend {
        epochs: samples.len(),
        ..nothing(watched)
    };
    match series::shape(&points) {
        Some((shape, slope)) => Trend {
            bytes_per_second: Some(rate(slope, 1.0)),
            ..said(shape, trend)
        },
        None => trend,
    }
}

/// A window of which nothing can be said, so far.
fn nothing(watched: Duration) -> Trend {
    Trend {
        verdict: TrendVerdict::Undecided,
        doubt: Some(Doubt::TooShort),
        would_tell_seconds: None,
        bytes_per_second: None,
        kept_share: None,
        oldest_seconds: None,
        sixteenths: 0,
        epochs: 0,
        watched_seconds: watched.into(),
    }
}

/// The same with what a shape says.
fn said(shape: Shape, trend: Trend) -> Trend {
    let would_tell = trend.watched_seconds.count() * shape.windows;
    Trend {
        verdict: shape.verdict,
        doubt: shape.doubt,
        would_tell_seconds: shape.doubt.and_then(|_| Seconds::try_from(would_tell).ok()),
        sixteenths: shape.sixteenths,
        ..trend
    }
}

/// An estimate in so many bytes per second.
fn rate(estimate: Estimate, unit: f64) -> Rate {
    let bytes = |value: f64| (value * unit).round() as i64;
    Rate {
        value: bytes(estimate.value),
        low: bytes(estimate.low),
        high: bytes(estimate.high),
    }
}
