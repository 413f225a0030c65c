//! Epochs: which moments of the window the 12 bits in a slot stand for.

use std::time::Duration;

use tracer_ebpf::LAST_EPOCH;

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

    /// The first and the last moment of an epoch in a window that recorded until `end`.
    pub fn span(&self, epoch: u32, end: Duration) -> (Duration, Duration) {
        let epoch = epoch as usize;
        let start = self.starts.get(epoch).copied().unwrap_or(end);
        (
            start.min(end),
            self.starts.get(epoch + 1).copied().unwrap_or(end).min(end),
        )
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
    fn an_epoch_ends_where_the_next_begins() {
        let timeline = punctual(Duration::from_secs(2));
        let (start, end) = timeline.span(3, Duration::from_secs(2));
        assert_eq!(
            (start, end),
            (Duration::from_millis(300), Duration::from_millis(400))
        );
    }

    #[test]
    fn the_last_epoch_ends_with_the_recording() {
        let end = Duration::from_millis(250);
        assert_eq!(
            punctual(end).span(2, end),
            (Duration::from_millis(200), end)
        );
    }

    #[test]
    fn an_epoch_that_never_was_has_no_length() {
        let end = Duration::from_secs(1);
        assert_eq!(punctual(end).span(4000, end), (end, end));
    }
}
