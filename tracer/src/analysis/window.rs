//! What the epochs of a window mean at its end: how old pages are, and what goes on throughout.

use std::time::Duration;

use crate::model::{AgeBucket, Seconds, Window};

/// Slices of the recording that the age histogram and the growth distinguish.
pub(super) const AGE_BUCKETS: usize = 8;

/// Pages by the slice of the recording in which they were taken.
pub(super) type Slices = [u64; AGE_BUCKETS];

/// When the epochs of a window were.
pub(super) struct Epochs<'a> {
    window: &'a Window,
    /// The slice in which each epoch began.
    slices: Vec<usize>,
    /// The least age that its pages can have at the end of the window.
    youngest: Vec<Duration>,
}

impl<'a> Epochs<'a> {
    pub(super) fn of(window: &'a Window) -> Self {
        let epochs = 0..window.epochs.len();
        Self {
            window,
            slices: epochs.clone().map(|epoch| slice(window, epoch)).collect(),
            youngest: epochs.map(|epoch| youngest(window, epoch)).collect(),
        }
    }

    /// The slice in which an epoch began; the last one for an epoch that never was.
    pub(super) fn slice(&self, epoch: u32) -> usize {
        let slice = self.slices.get(epoch as usize);
        slice.copied().unwrap_or(AGE_BUCKETS - 1)
    }

    /// In which of `parts` equal parts of the recording an epoch began; the last one for an epoch
    /// that never was.
    pub(super) fn part(&self, epoch: u32, parts: usize) -> usize {
        let start = self.window.epochs.get(epoch as usize);
        let start = start.map_or(f64::INFINITY, |it| it.duration().as_secs_f64());
        let part = start / (slice_seconds(self.window) * AGE_BUCKETS as f64) * parts as f64;
        (part as usize).min(parts - 1)
    }

    /// Whether every page of an epoch is at least that old.
    pub(super) fn is_old(&self, epoch: u32, age: Duration) -> bool {
        let youngest = self.youngest.get(epoch as usize).copied();
        youngest.unwrap_or_else(|| self.window.drain()) >= age
    }

    /// Sustained growth, in pages per second.
    pub(super) fn growth(&self, mut slices: Slices) -> f64 {
        slices.sort_unstable();
        let median = (slices[AGE_BUCKETS / 2 - 1] as f64 + slices[AGE_BUCKETS / 2] as f64) / 2.0;
        median / slice_seconds(self.window)
    }

    /// The slices with their ages at the end of the window, oldest first.
    pub(super) fn histogram(&self, slices: Slices) -> Vec<AgeBucket> {
        let age = |slice: usize| {
            let taken = self.window.record() * slice as u32 / AGE_BUCKETS as u32;
            self.window.length().saturating_sub(taken).into()
        };
        let buckets = slices.into_iter().enumerate().map(|(i, pages)| AgeBucket {
            from_seconds: age(i + 1),
            to_seconds: age(i),
            pages,
        });
        buckets.collect()
    }
}

/// The first and the last moment of an epoch, as time since the window began.
fn span(window: &Window, epoch: usize) -> (Duration, Duration) {
    let end = window.record();
    let start = |epoch| {
        window
            .epochs
            .get(epoch)
            .map_or(end, |it: &Seconds| it.duration())
    };
    (start(epoch).min(end), start(epoch + 1).min(end))
}

fn youngest(window: &Window, epoch: usize) -> Duration {
    let (_, end) = span(window, epoch);
    window.length().saturating_sub(end)
}

fn slice(window: &Window, epoch: usize) -> usize {
    let (start, _) = span(window, epoch);
    let slice = start.as_secs_f64() / slice_seconds(window);
    (slice as usize).min(AGE_BUCKETS - 1)
}

fn slice_seconds(window: &Window) -> f64 {
    window.record().as_secs_f64().max(f64::MIN_POSITIVE) / AGE_BUCKETS as f64
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::Scope;

    const TENTH: Duration = Duration::from_millis(100);

    /// A quarter of a second recorded, the rest of the second drained, an epoch a tenth.
    fn window() -> Window {
        Window {
            started: Timestamp::UNIX_EPOCH,
            record_seconds: (TENTH * 5 / 2).into(),
            drain_seconds: (TENTH * 15 / 2).into(),
            epochs: (0..3).map(|epoch| Seconds::from(TENTH * epoch)).collect(),
            recorded_before_seconds: None,
            scope: Scope::Kernel,
            filters: vec![],
            takers: None,
        }
    }

    #[test]
    fn an_epoch_ends_where_the_next_begins() {
        assert_eq!(span(&window(), 1), (TENTH, TENTH * 2));
    }

    #[test]
    fn the_last_epoch_ends_with_the_recording() {
        assert_eq!(span(&window(), 2), (TENTH * 2, TENTH * 5 / 2));
    }

    #[test]
    fn pages_are_as_old_as_the_youngest_of_their_epoch() {
        let window = window();
        let epochs = Epochs::of(&window);
        assert!(epochs.is_old(0, TENTH * 9) && !epochs.is_old(1, TENTH * 9));
        assert_eq!([0, 1, 2].map(|epoch| epochs.slice(epoch)), [0, 3, 6]);
    }

    #[test]
    fn an_epoch_that_never_was_is_the_end_of_the_recording() {
        let window = window();
        let epochs = Epochs::of(&window);
        assert_eq!(epochs.slice(4000), AGE_BUCKETS - 1);
        assert!(epochs.is_old(4000, TENTH * 15 / 2) && !epochs.is_old(4000, TENTH * 8));
    }

    #[test]
    fn growth_is_the_median_of_both_middle_slices() {
        let window = window();
        let epochs = Epochs::of(&window);
        // 32 slices a second: one slice's pages are 32 times that a second.
        assert_eq!(epochs.growth([0, 0, 0, 2, 4, 9, 9, 9]), 3.0 * 32.0);
    }
}
