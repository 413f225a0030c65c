//! The rule: what the pages that are left say by the time they were taken. docs/verdicts.md has it
//! in words, with the reason of each threshold.

use super::estimate::{Estimate, median};
use crate::model::{Doubt, TrendVerdict};

/// Equal parts of the recording that are told apart.
pub(super) const SLICES: usize = 16;

/// Those among them in which young pages can still be on their way: the newest quarter is not
/// looked at for growth.
pub(super) const OLD: usize = 12;

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

    pub(super) fn mean(&self, quarter: usize) -> f64 {
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

    pub(super) fn irregular(&self) -> Shape {
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
