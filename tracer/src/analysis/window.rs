//! The window: when it was, which ages pages can have in it, and what goes on
//! throughout.

use std::time::Duration;

use jiff::Timestamp;
use tracer_ebpf::LAST_EPOCH;

use super::{Survivors, Timeline};
use crate::model::{AgeBucket, Scope, Window};

/// Slices of the recording that the age histogram and the growth distinguish.
pub(super) const AGE_BUCKETS: usize = 8;

/// Unfreed pages by the slice of the recording in which they were taken.
pub(super) type Slices = [u64; AGE_BUCKETS];

/// The window as it was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// When recording began.
    pub started: Timestamp,
    /// How long allocations were recorded.
    pub recorded: Duration,
    /// How long frees were watched: the whole window.
    pub watched: Duration,
    /// The epochs.
    pub timeline: Timeline,
    /// What was recorded.
    pub scope: Scope,
    /// The options that narrowed the scope down, as they can be typed.
    pub filters: Vec<String>,
}

impl Measured {
    /// The window as a report tells of it.
    pub(super) fn window(&self) -> Window {
        let drained = self.watched.saturating_sub(self.recorded);
        Window {
            started: self.started,
            seconds: milliseconds(self.watched),
            record_seconds: milliseconds(self.recorded),
            drain_seconds: milliseconds(drained),
            scope: self.scope,
            filters: self.filters.clone(),
        }
    }

    /// Takes out the pages that may be younger than `min_age`, and counts them.
    pub(super) fn drop_young(&self, survivors: &mut Survivors, min_age: Duration) -> u64 {
        survivors.drop_epochs(|epoch| self.youngest(epoch) >= min_age)
    }

    /// The least age a page of this epoch can have at the end of the window.
    fn youngest(&self, epoch: u32) -> Duration {
        let (_, end) = self.timeline.span(epoch, self.recorded);
        self.watched.saturating_sub(end)
    }

    /// The slice that each epoch began in.
    pub(super) fn slices(&self) -> Vec<usize> {
        let slice = |epoch| {
            let (start, _) = self.timeline.span(epoch, self.recorded);
            let slice = start.as_secs_f64() / self.slice_seconds();
            (slice as usize).min(AGE_BUCKETS - 1)
        };
        (0..=LAST_EPOCH).map(slice).collect()
    }

    fn slice_seconds(&self) -> f64 {
        self.recorded.as_secs_f64().max(f64::MIN_POSITIVE) / AGE_BUCKETS as f64
    }

    /// Sustained growth, in pages per second.
    pub(super) fn growth(&self, mut slices: Slices) -> f64 {
        slices.sort_unstable();
        let median = (slices[AGE_BUCKETS / 2 - 1] + slices[AGE_BUCKETS / 2]) as f64 / 2.0;
        median / self.slice_seconds()
    }

    /// The slices with their ages at the end of the window, oldest first.
    pub(super) fn histogram(&self, slices: Slices) -> Vec<AgeBucket> {
        let age = |slice: usize| {
            let taken = self.recorded * slice as u32 / AGE_BUCKETS as u32;
            milliseconds(self.watched.saturating_sub(taken))
        };
        let buckets = slices.into_iter().enumerate().map(|(i, pages)| AgeBucket {
            from_seconds: age(i + 1),
            to_seconds: age(i),
            pages,
        });
        buckets.collect()
    }
}

/// Seconds, to the millisecond: more digits would say nothing.
fn milliseconds(duration: Duration) -> f64 {
    duration.as_millis() as f64 / 1000.0
}
