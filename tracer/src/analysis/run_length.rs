//! Counting millions of pages: neighbours are mostly the same, so they are
//! counted in runs, and runs of the same are joined now and then.

use tracer_ebpf::LAST_EPOCH;

/// Pages that are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run<K> {
    /// The word in the slots of the pages.
    pub(super) word: u32,
    /// What they are.
    pub(super) what: K,
    /// How many there are.
    pub(super) pages: u32,
}

impl<K: Copy + Ord> Run<K> {
    fn key(&self) -> (u32, K) {
        (self.word, self.what)
    }

    /// Takes in `other` if it is of the same pages, and not too many.
    fn join(&mut self, other: &Self) -> bool {
        let sum = self.pages.checked_add(other.pages);
        let joined = sum.filter(|_| self.key() == other.key());
        self.pages = joined.unwrap_or(self.pages);
        joined.is_some()
    }
}

/// Runs of pages, 12 bytes each: there can be as many as pages.
#[derive(Clone, Debug)]
pub(super) struct RunLengthMap<K> {
    runs: Vec<Run<K>>,
    /// Runs that may go on, for what comes and goes.
    recent: Box<[Option<Run<K>>; RECENT]>,
    /// At so many runs those of the same are joined.
    full: usize,
}

/// So many runs stay in a CPU's own cache.
const RECENT: usize = 1 << 11;

/// So many runs are few.
const FEW: usize = 1 << 16;

/// See [`Slot`](tracer_ebpf::Slot).
const EPOCH_BITS: u32 = LAST_EPOCH.count_ones();

impl<K> Default for RunLengthMap<K> {
    fn default() -> Self {
        Self {
            runs: Vec::new(),
            recent: Box::new([const { None }; RECENT]),
            full: FEW,
        }
    }
}

impl<K> From<Vec<Run<K>>> for RunLengthMap<K> {
    fn from(runs: Vec<Run<K>>) -> Self {
        Self {
            runs,
            ..Self::default()
        }
    }
}

impl<K: Copy + Ord> RunLengthMap<K> {
    /// Counts some more pages.
    pub(super) fn add(&mut self, run: Run<K>) {
        // Sites and epochs are low numbers, so both must decide on the place.
        let place = run.word ^ run.word >> EPOCH_BITS;
        let recent = &mut self.recent[place as usize % RECENT];
        let joined = recent.as_mut().is_some_and(|recent| recent.join(&run));
        if !joined && let Some(other) = recent.replace(run) {
            self.push(other);
        }
    }

    fn push(&mut self, run: Run<K>) {
        if self.runs.len() >= self.full {
            self.join();
            self.full = FEW.max(self.runs.len() * 4);
        }
        self.runs.push(run);
    }

    /// Adds what another has counted.
    pub(super) fn append(&mut self, mut other: Self) {
        other.join();
        self.runs.append(&mut other.runs);
    }

    /// One run for the same pages, in the order of their words.
    pub(super) fn joined(mut self) -> Vec<Run<K>> {
        self.join();
        self.runs
    }

    /// The sort is the one that is fast where parts are sorted already, and faster
    /// by words alone.
    fn join(&mut self) {
        self.runs
            .append(&mut self.recent.iter_mut().filter_map(Option::take).collect());
        self.runs.sort_by_key(|run| run.word);
        for same in self.runs.chunk_by_mut(|a, b| a.word == b.word) {
            same.sort_by_key(|run| run.what);
        }
        self.runs.dedup_by(|run, kept| kept.join(run));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(word: u32, pages: u32) -> Run<char> {
        Run {
            word,
            what: 'a',
            pages,
        }
    }

    fn counted(runs: impl IntoIterator<Item = Run<char>>) -> RunLengthMap<char> {
        let mut map = RunLengthMap::default();
        runs.into_iter().for_each(|run| map.add(run));
        map
    }

    #[test]
    fn the_same_pages_are_one_run() {
        let mut one = counted([run(2, 1), run(2, 3), run(1, 1), run(2, 1)]);
        one.append(counted([run(1, 4)]));
        assert_eq!(one.joined(), [run(1, 5), run(2, 5)]);
    }

    #[test]
    fn what_comes_and_goes_takes_no_room() {
        let pages = 5 * FEW as u32;
        let map = counted((0..pages).map(|i| run(i % 2, 1)));
        assert!(map.runs.len() <= FEW);
        assert_eq!(map.joined(), [run(0, pages / 2), run(1, pages / 2)]);
    }

    #[test]
    fn no_count_wraps() {
        let runs = counted([run(1, u32::MAX), run(1, 2)]).joined();
        let pages: u64 = runs.iter().map(|run| u64::from(run.pages)).sum();
        assert_eq!(pages, u64::from(u32::MAX) + 2);
    }
}
