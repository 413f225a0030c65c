//! Epochs without end: their numbers are used again.

use std::time::Duration;

use tracer_ebpf::LAST_EPOCH;

use crate::model::Seconds;

/// The shortest epoch.
const SHORTEST: Duration = Duration::from_secs(2);

/// Epochs that are long ago are merged as long as one lasts at most 1/100 of its age. Two neighbours
/// are longer than that together, so there are never more than 200 ln(age / 200 s) + 200 of them:
/// 3,100 in twenty years.
const FRACTION: u32 = 100;

/// So few numbers are left when it is time to merge.
const FEW: usize = 512;

/// How many numbers a slot has room for.
const NUMBERS: usize = LAST_EPOCH as usize + 1;

/// When each epoch began, as time since recording did, for as long as one likes.
///
/// The age of a page is known to 2 s or 1 % of it, whichever is more.
#[derive(Clone, Debug)]
pub struct RollingTimeline {
    /// Oldest first.
    epochs: Vec<Epoch>,
    /// Numbers that no slot has.
    free: Vec<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Epoch {
    /// What its slots have.
    number: u32,
    start: Duration,
}

/// Epochs that are to be one.
#[derive(Clone, Debug)]
pub struct Merge {
    /// By the number of each epoch, that of the one it goes into: itself for those that stay.
    pub into: Vec<u32>,
    kept: Vec<Epoch>,
}

/// What a report says of the epochs of its window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowEpochs {
    /// How long before the end the window began.
    pub length: Duration,
    /// When each began, as time since the window did.
    pub starts: Vec<Seconds>,
    /// By the number in a slot, its place among them; none before the window.
    places: Vec<Option<u32>>,
}

impl Default for RollingTimeline {
    fn default() -> Self {
        Self {
            epochs: vec![Epoch {
                number: 0,
                start: Duration::ZERO,
            }],
            free: (1..=LAST_EPOCH).rev().collect(),
        }
    }
}

impl RollingTimeline {
    /// When the next epoch is due; none while no number is free.
    pub fn next_due(&self) -> Option<Duration> {
        let last = self.epochs.last()?;
        (!self.free.is_empty()).then(|| last.start + SHORTEST)
    }

    /// Notes that a new epoch begins `at`, and gives its number.
    pub fn begin(&mut self, at: Duration) -> Option<u32> {
        let number = self.free.pop()?;
        self.epochs.push(Epoch { number, start: at });
        Some(number)
    }

    /// Which epochs are to be one, if numbers run short.
    pub fn merge(&self, now: Duration) -> Option<Merge> {
        (self.free.len() < FEW).then(|| self.merged(now))
    }

    /// Epochs that follow each other are one as long as that one is short for its age. The present
    /// one stays by itself.
    fn merged(&self, now: Duration) -> Merge {
        let mut into: Vec<_> = (0..=LAST_EPOCH).collect();
        let mut kept: Vec<Epoch> = Vec::new();
        for (place, &epoch) in self.epochs.iter().enumerate() {
            let end = self.epochs.get(place + 1).map(|next| next.start);
            let joins = |first: &&Epoch| {
                let end = end?;
                let longest = SHORTEST.max(now.saturating_sub(end) / FRACTION);
                (end.saturating_sub(first.start) <= longest).then_some(first.number)
            };
            match kept.last().as_ref().and_then(joins) {
                Some(first) => into[epoch.number as usize % NUMBERS] = first,
                None => kept.push(epoch),
            }
        }
        Merge { into, kept }
    }

    /// Has the numbers of merged epochs used again: to be done when no slot has them any more.
    pub fn release(&mut self, merge: Merge) {
        let gone = self.epochs.iter().map(|epoch| epoch.number);
        let gone = gone.filter(|&number| merge.into[number as usize % NUMBERS] != number);
        self.free.splice(0..0, gone);
        self.epochs = merge.kept;
    }

    /// The window of the last `length` before `now`, or of all. It begins with an epoch, so that it has
    /// every page that was taken in that time, and can be longer by one.
    pub fn window(&self, now: Duration, length: Option<Duration>) -> WindowEpochs {
        let wanted = length.and_then(|length| now.checked_sub(length));
        let began_before = |epoch: &Epoch| wanted.is_some_and(|wanted| epoch.start <= wanted);
        let first = self.epochs.partition_point(began_before).saturating_sub(1);
        let epochs = &self.epochs[first..];
        let start = epochs.first().map_or(now, |epoch| epoch.start);
        let mut places = vec![None; NUMBERS];
        for (place, epoch) in (0..).zip(epochs) {
            places[epoch.number as usize % NUMBERS] = Some(place);
        }
        WindowEpochs {
            length: now.saturating_sub(start),
            starts: epochs.iter().map(|it| (it.start - start).into()).collect(),
            places,
        }
    }
}

impl WindowEpochs {
    /// The place of the epoch that slots have this number of; none if it began before the window.
    pub fn place(&self, number: u32) -> Option<u32> {
        self.places.get(number as usize).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    /// A timeline whose epochs all begin when they are due; what was merged, and how often.
    fn run_for(time: Duration, mut check: impl FnMut(&RollingTimeline, &Merge)) -> RollingTimeline {
        let mut timeline = RollingTimeline::default();
        while let Some(due) = timeline.next_due().filter(|&due| due <= time) {
            timeline.begin(due).expect("a number is free");
            if let Some(merge) = timeline.merge(due) {
                check(&timeline, &merge);
                timeline.release(merge);
            }
        }
        timeline
    }

    #[test]
    fn thirty_days_need_few_merges_and_no_number_twice() {
        let mut merges = 0;
        let timeline = run_for(DAY * 30, |_, _| merges += 1);
        assert!(
            timeline
                .epochs
                .last()
                .is_some_and(|last| last.start >= DAY * 30)
        );
        // Each looks at the whole slot table.
        assert!(merges < 1000, "{merges}");
        let mut numbers: Vec<_> = timeline.epochs.iter().map(|it| it.number).collect();
        numbers.extend(&timeline.free);
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..=LAST_EPOCH));
        assert!(timeline.epochs.is_sorted_by_key(|epoch| epoch.start));
    }

    #[test]
    fn ages_stay_known_to_one_percent() {
        run_for(DAY * 3, |timeline, merge| {
            let now = timeline.epochs.last().expect("the present").start;
            for pair in merge.kept.windows(2) {
                let (length, age) = (pair[1].start - pair[0].start, now - pair[1].start);
                assert!(
                    length <= SHORTEST.max(age / FRACTION),
                    "{length:?} {age:?} ago"
                );
            }
            let present = timeline.epochs.last().expect("the present").number;
            assert_eq!(merge.into[present as usize], present);
        });
    }

    #[test]
    fn twenty_years_leave_numbers_free() {
        let mut timeline = RollingTimeline::default();
        let now = DAY * 365 * 20;
        // As finely as epochs are ever left: two neighbours are just too long to be one.
        let mut start = now;
        timeline.epochs.clear();
        while start > SHORTEST {
            timeline.epochs.insert(0, Epoch { number: 0, start });
            start = start.saturating_sub(SHORTEST.max((now - start) / FRACTION) / 2);
        }
        assert!(
            timeline.epochs.len() < NUMBERS - FEW,
            "{}",
            timeline.epochs.len()
        );
    }

    #[test]
    fn a_window_has_the_epochs_that_began_in_it() {
        let mut timeline = RollingTimeline::default();
        for second in [10, 20, 30] {
            timeline.begin(Duration::from_secs(second));
        }
        let window = timeline.window(Duration::from_secs(35), Some(Duration::from_secs(20)));
        let places = window.clone();
        let starts = [0, 10, 20].map(|it| Seconds::from(Duration::from_secs(it)));
        assert_eq!(
            (window.length, window.starts),
            (Duration::from_secs(25), starts.to_vec())
        );
        assert_eq!(
            [0, 1, 2, 3].map(|it| places.place(it)),
            [None, Some(0), Some(1), Some(2)]
        );
        let whole = timeline.window(Duration::from_secs(35), None);
        assert_eq!(
            (whole.length, whole.starts.len()),
            (Duration::from_secs(35), 4)
        );
    }
}
