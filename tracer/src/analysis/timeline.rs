//! Epochs: which moments of the window the 12 bits in a slot stand for.

use std::time::Duration;

use tracer_ebpf::LAST_EPOCH;

use crate::model::Seconds;

/// The shortest epoch.
const SHORTEST: Duration = Duration::from_millis(100);

/// An epoch lasts at least 1/256 of the time since the window began.
const FRACTION: u32 = 256;

/// When each epoch of a window began, as time since the window did.
///
/// Epochs grow with the window: 100 ms for the first 25 s, then 1/256 of its
/// age. So 12 bits last for a window of any length, an age is known to 0.4 % of
/// the window, and user space wakes up less and less often.
#[derive(Clone, Debug)]
pub struct Timeline {
    starts: Vec<Duration>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            starts: vec![Duration::ZERO],
        }
    }
}

impl Timeline {
    /// When the next epoch is due; none when the last one has begun.
    pub fn next_due(&self) -> Option<Duration> {
        let last = *self.starts.last()?;
        let more = self.starts.len() <= LAST_EPOCH as usize;
        more.then(|| last + SHORTEST.max(last / FRACTION))
    }

    /// Notes that a new epoch begins `at`, and gives its number.
    pub fn begin(&mut self, at: Duration) -> u32 {
        self.starts.push(at);
        self.starts.len() as u32 - 1
    }

    /// When each epoch began, for a report.
    pub fn starts(&self) -> Vec<Seconds> {
        self.starts.iter().copied().map(Seconds::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A timeline whose epochs all begin when they are due, until `end`.
    fn punctual(end: Duration) -> Timeline {
        let mut timeline = Timeline::default();
        while let Some(due) = timeline.next_due().filter(|&due| due < end) {
            timeline.begin(due);
        }
        timeline
    }

    #[test]
    fn the_longest_window_fits_twelve_bits() {
        let week = Duration::from_secs(7 * 24 * 3600);
        assert!(punctual(week).next_due().is_some());
    }

    #[test]
    fn epochs_grow_with_the_window() {
        let starts = punctual(Duration::from_secs(100)).starts();
        let length = |epoch: usize| starts[epoch + 1].count() - starts[epoch].count();
        assert!((length(0) - 0.1).abs() < 1e-9, "{}", length(0));
        let last = length(starts.len() - 2);
        assert!((100.0 / 256.0 - last).abs() < 0.01, "{last}");
    }
}
