//! The rule for growth: something is left of every part of the recording, and neither less and less,
//! as of a cache that fills, nor more and more, as of pages that merely live long.

use super::{
    estimate::{Estimate, median, slope},
    shape::{Left, OLD, SLICES, Shape},
};
use crate::model::{Doubt, TrendVerdict};

/// Beginnings of the recording that growth is looked for in, where later pages are still on their way.
const BEGINNINGS: [usize; 3] = [OLD, 9, 6];

/// Pages that live longer than four recordings look like pages that stay: so many lifetimes has
/// the recording then.
const LONG: f64 = 0.25;

/// A rate that comes down to less than six tenths is not sustained: its logarithm.
const SLOWED: f64 = -0.5;

/// A rate that may have come down to a quarter over the recording is not sustained: its logarithm.
const QUARTERED: f64 = -1.386;

impl Left {
    /// Some is left of nearly every slice: growth, unless it slows down or pages are merely
    /// long-lived.
    pub(super) fn sustained(&self) -> Option<Shape> {
        for beginning in BEGINNINGS {
            let old = &self.slices[..beginning];
            let rate = median(old).filter(|rate| rate.low > 0.0)?;
            let begun = old.iter().position(|&left| left > 0.0)?;
            let trend = trend(old.get(begun..)?, rate.value)?;
            let halves = trend.value * (OLD as f64) < SLOWED;
            if trend.high < 0.0 || halves || self.fades(rate.value) {
                let windows = 6.0 / (-trend.value * SLICES as f64).max(0.1);
                return Some(self.doubt(Doubt::Slowing, windows));
            }
            if trend.low <= 0.0 {
                return Some(self.growing(rate, trend));
            }
        }
        let is_young = self.mean(0) <= 0.01 * self.mean(3);
        Some(if is_young {
            self.is(TrendVerdict::TurnsOver)
        } else {
            self.long_lived()
        })
    }

    /// Whether a later quarter leaves less than half of what the beginning did.
    fn fades(&self, rate: f64) -> bool {
        (1..4).any(|quarter| self.mean(quarter) < rate / 2.0)
    }

    /// The beginning leaves the same in each slice, as far as can be seen.
    fn growing(&self, rate: Estimate, trend: Estimate) -> Shape {
        let slices = SLICES as f64;
        // By how much each slice would leave more than the one before if all pages died alike.
        let lifetimes = self.lifetimes();
        if lifetimes > LONG && trend.high > lifetimes / slices / 2.0 {
            return self.long_lived();
        }
        if trend.low * slices < QUARTERED {
            return self.irregular();
        }
        Shape {
            rate: Some(rate),
            ..self.is(TrendVerdict::Growing)
        }
    }

    pub(super) fn long_lived(&self) -> Shape {
        self.doubt(Doubt::LongLived, 8.0 / self.lifetimes())
    }

    /// How many lifetimes the recording has, if all pages have the same chance to go at any time
    /// and so much is left.
    fn lifetimes(&self) -> f64 {
        let Some(share) = self.share else {
            return f64::INFINITY;
        };
        let left = |x: f64| (-x * self.drain).exp() * -(-x).exp_m1() / x;
        let (mut low, mut high) = (1e-3_f64, 1e3_f64);
        for _ in 0..40 {
            let middle = (low * high).sqrt();
            if left(middle) > share {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// By how much each slice leaves more than the one before, as a logarithm. A slice without any
/// counts as one with a quarter of the usual.
fn trend(slices: &[f64], usual: f64) -> Option<Estimate> {
    let points: Vec<_> = (0..)
        .zip(slices)
        .map(|(slice, left)| (f64::from(slice), (left + usual / 4.0).ln()))
        .collect();
    slope(&points)
}
