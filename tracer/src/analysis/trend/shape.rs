//! The rule: what the pages that are left say by the time they were taken. docs/verdicts.md has it
//! in words, with the reason of each threshold.

use super::estimate::{Estimate, median, slope};
use crate::model::{Doubt, TrendVerdict};

/// Equal parts of the recording that are told apart.
pub(super) const SLICES: usize = 16;

/// Those among them in which young pages can still be on their way: the newest quarter is not
/// looked at for growth.
const OLD: usize = 12;

/// Beginnings of the recording that growth is looked for in, where later pages are still on their way.
const BEGINNINGS: [usize; 3] = [OLD, 9, 6];

/// So many allocations must be left to say more than that they are few.
const ENOUGH: f64 = 16.0;

/// What is left of one site, as much as was recorded of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    /// What is left of each slice, oldest first, in any unit.
    pub(super) slices: [f64; SLICES],
    /// How many allocations that is.
    pub(super) allocations: f64,
    /// Of all that was taken; none where that is not known.
    pub(super) share: Option<f64>,
    /// For how many recordings only frees were watched, after that.
    pub(super) drain: f64,
}

/// What is said of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shape {
    pub(super) verdict: TrendVerdict,
    pub(super) doubt: Option<Doubt>,
    /// How many times as long a window would tell, if this one does not.
    pub(super) windows: f64,
    /// How many slices something is left of.
    pub(super) sixteenths: usize,
    /// What a slice adds.
    pub(super) rate: Option<Estimate>,
}

impl Left {
    /// Says what they are.
    pub(super) fn shape(&self) -> Shape {
        let total = self.slices.iter().sum::<f64>();
        if total <= 0.0 {
            return self.is(TrendVerdict::TurnsOver);
        }
        let told = self.burst(total).or_else(|| self.levelled(total));
        told.or_else(|| self.sustained())
            .or_else(|| self.turned_over(total))
            .unwrap_or_else(|| self.irregular())
    }

    pub(super) fn is(&self, verdict: TrendVerdict) -> Shape {
        Shape {
            verdict,
            doubt: None,
            windows: 1.0,
            sixteenths: self.slices.iter().filter(|&&left| left > 0.0).count(),
            rate: median(&self.slices[..OLD]),
        }
    }

    pub(super) fn doubt(&self, doubt: Doubt, windows: f64) -> Shape {
        Shape {
            doubt: Some(doubt),
            windows: windows.clamp(2.0, 100.0),
            ..self.is(TrendVerdict::Undecided)
        }
    }

    fn mean(&self, quarter: usize) -> f64 {
        let slices = self.slices.iter().skip(quarter * 4).take(4);
        slices.sum::<f64>() / 4.0
    }

    /// Nearly all came at once, and long enough ago to see that nothing followed.
    fn burst(&self, total: f64) -> Option<Shape> {
        let mut pairs = self.slices[..OLD].windows(2);
        let is_one = pairs.any(|pair| pair.iter().sum::<f64>() >= 0.9 * total);
        (is_one && self.allocations >= ENOUGH).then(|| self.is(TrendVerdict::OneBurst))
    }

    /// Nearly all came early; of what comes now, what is left is young.
    fn levelled(&self, total: f64) -> Option<Shape> {
        let late: f64 = self.slices[10..].iter().sum();
        let is_over = late <= 0.05 * total;
        let early: f64 = self.slices[..8].iter().sum();
        let goes_again = self.share.is_none_or(|share| share <= 0.5);
        let is_full = self.mean(2) * 8.0 <= 0.05 * early && goes_again;
        let is_enough = self.allocations * early >= ENOUGH * total;
        (is_enough && (is_over || is_full)).then(|| self.is(TrendVerdict::LevelledOff))
    }

    /// Some is left of nearly every slice: growth, unless it slows down or pages are merely
    /// long-lived.
    fn sustained(&self) -> Option<Shape> {
        for beginning in BEGINNINGS {
            let old = &self.slices[..beginning];
            let rate = median(old).filter(|rate| rate.low > 0.0)?;
            let begun = old.iter().position(|&left| left > 0.0)?;
            let trend = trend(old.get(begun..)?, rate.value)?;
            let halves = trend.value * (OLD as f64) < HALVED;
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

    fn long_lived(&self) -> Shape {
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

    /// Hardly anything old is left, though there was something old.
    fn turned_over(&self, total: f64) -> Option<Shape> {
        let (old, young) = self.slices.split_at(SLICES / 2);
        if !self.are_stragglers(old, total) {
            return None;
        }
        let first = young.iter().position(|&left| left > 0.0).unwrap_or(0);
        let age = (old.len() + first) as f64 / SLICES as f64;
        let was_there = match self.share {
            Some(share) => 1.0 - share >= age / 2.0,
            None => self.mean(3) * 4.0 >= 0.9 * total,
        };
        Some(if was_there {
            self.is(TrendVerdict::TurnsOver)
        } else {
            self.doubt(Doubt::Recent, 1.0 / (1.0 - age))
        })
    }

    /// Whether they are few beside what is left, or beside what was taken, and no more than two
    /// slices have any: what other users of a call site keep.
    fn are_stragglers(&self, old: &[f64], total: f64) -> bool {
        let number = old.iter().sum::<f64>();
        let taken = self.share.map_or(0.0, |share| total / share);
        let slices = old.iter().filter(|&&left| left > 0.0).count();
        slices <= 2 && (number <= 0.05 * total || number <= 0.005 * taken)
    }

    fn irregular(&self) -> Shape {
        if self.allocations < 2.0 * ENOUGH {
            return self.doubt(Doubt::TooFew, 2.0 * ENOUGH / self.allocations.max(1.0));
        }
        let dies_off = (0..3).all(|quarter| self.mean(quarter) <= self.mean(quarter + 1));
        if dies_off && self.share.is_some_and(|share| share <= 0.5) {
            return self.long_lived();
        }
        self.doubt(Doubt::Irregular, 4.0)
    }
}

/// Pages that live longer than four recordings look like pages that stay: so many lifetimes has
/// the recording then.
const LONG: f64 = 0.25;

/// A rate that comes down to less than six tenths is not sustained: its logarithm.
const HALVED: f64 = -0.5;

/// A rate that may have come down to a quarter over the recording is not sustained: its logarithm.
const QUARTERED: f64 = -1.386;

/// By how much each slice leaves more than the one before, as a logarithm. A slice without any
/// counts as one with a quarter of the usual.
fn trend(slices: &[f64], usual: f64) -> Option<Estimate> {
    let points: Vec<_> = (0..)
        .zip(slices)
        .map(|(slice, left)| (f64::from(slice), (left + usual / 4.0).ln()))
        .collect();
    slope(&points)
}
