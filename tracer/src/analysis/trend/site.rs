//! What a trace knows of one site at the end of its window: what is left, by when it was taken.

use super::{
    nothing, rate, said,
    shape::{Left, SLICES},
};
use crate::{
    analysis::window::Epochs,
    model::{Seconds, Site, Trend, Unfreed, Window},
};

/// So many epochs distinguish sixteenths of a recording: two each.
const FEWEST_EPOCHS: usize = 2 * SLICES;

/// A window that has so many for sure.
const LONG_ENOUGH: f64 = 10.0;

/// Pages of a site that are left, whatever their age.
#[derive(Clone, Debug, Default)]
pub(in crate::analysis) struct Kept {
    slices: [u64; SLICES],
    /// In how many allocations they were taken.
    allocations: u64,
    /// The first epoch in which some were taken.
    oldest: Option<u32>,
    /// All that is left of the site, of whatever kind.
    unfreed_pages: u64,
}

impl Kept {
    /// Counts all that is left of a site.
    pub(in crate::analysis) fn count(&mut self, site: &Site) {
        self.unfreed_pages += site.unfreed_pages();
    }

    /// Adds those of one kind.
    pub(in crate::analysis) fn add(&mut self, unfreed: &Unfreed, epochs: &Epochs<'_>) {
        for &(epoch, pages) in &unfreed.by_epoch {
            self.slices[epochs.part(epoch, SLICES)] += u64::from(pages);
            self.begin(epoch);
        }
        self.allocations += unfreed.pages() >> unfreed.order.min(u64::BITS - 1);
    }

    /// Adds those of another site.
    pub(in crate::analysis) fn append(&mut self, other: &Self) {
        for (slice, pages) in self.slices.iter_mut().zip(other.slices) {
            *slice += pages;
        }
        self.allocations += other.allocations;
        self.unfreed_pages += other.unfreed_pages;
        other.oldest.into_iter().for_each(|epoch| self.begin(epoch));
    }

    fn begin(&mut self, epoch: u32) {
        self.oldest = Some(self.oldest.map_or(epoch, |oldest| oldest.min(epoch)));
    }

    /// What they say, of so many pages that were taken.
    pub(in crate::analysis) fn trend(&self, taken: u64, window: &Window, page_size: u64) -> Trend {
        let record = window.record().as_secs_f64().max(f64::MIN_POSITIVE);
        let share = self.unfreed_pages as f64 / taken.max(1) as f64;
        let trend = Trend {
            kept_share: (taken > 0).then_some(share.min(1.0)),
            oldest_seconds: self.oldest.and_then(|epoch| age(window, epoch)),
            epochs: window.epochs.len(),
            ..nothing(window.length())
        };
        if trend.epochs < FEWEST_EPOCHS {
            return Trend {
                would_tell_seconds: Seconds::try_from(LONG_ENOUGH).ok(),
                ..trend
            };
        }
        let left = Left {
            slices: self.slices.map(|pages| pages as f64),
            allocations: self.allocations as f64,
            share: trend.kept_share,
            drain: window.drain().as_secs_f64() / record,
        };
        let shape = left.shape();
        let unit = page_size as f64 * SLICES as f64 / record;
        Trend {
            bytes_per_second: shape.rate.map(|it| rate(it, unit)),
            ..said(shape, trend)
        }
    }
}

/// The greatest age that pages of an epoch can have at the end of the window.
fn age(window: &Window, epoch: u32) -> Option<Seconds> {
    let start = window.epochs.get(epoch as usize)?;
    Some(window.length().saturating_sub(start.duration()).into())
}
