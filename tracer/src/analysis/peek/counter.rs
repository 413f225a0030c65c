//! Counts texts in bounded memory.

use std::cmp::Reverse;

use rustc_hash::FxHashMap;

use crate::model::Counted;

/// The most texts that are counted at a time.
const MOST: usize = 1 << 16;

/// How often each text came. When there are too many, one is taken off each (Misra and Gries):
/// what comes often stays, and no count is too high.
#[derive(Default)]
pub(super) struct Counter {
    counts: FxHashMap<String, u64>,
}

impl Counter {
    pub(super) fn add(&mut self, text: &str) {
        if let Some(count) = self.counts.get_mut(text) {
            *count += 1;
            return;
        }
        if self.counts.len() >= MOST {
            self.counts.retain(|_, count| {
                *count -= 1;
                *count > 0
            });
        }
        self.counts.insert(text.to_owned(), 1);
    }

    pub(super) fn remove(&mut self, text: &str) {
        self.counts.remove(text);
    }

    /// Those that came most often, of equals the first in the alphabet.
    pub(super) fn most_frequent(&self, number: usize) -> Vec<Counted> {
        let mut counts: Vec<_> = self.counts.iter().collect();
        counts.sort_by_key(|&(text, &count)| (Reverse(count), text));
        let counted = |(text, &count): (&String, &u64)| Counted {
            text: text.clone(),
            count,
        };
        counts.into_iter().take(number).map(counted).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frequent_stay_when_there_are_too_many() {
        let mut counter = Counter::default();
        for index in 0..3 * MOST {
            counter.add(&index.to_string());
            if index % 100 == 0 {
                counter.add("often");
            }
        }
        assert!(counter.counts.len() <= MOST + 1);
        let first = &counter.most_frequent(1)[0];
        assert_eq!(first.text, "often");
        let came = (3 * MOST as u64).div_ceil(100);
        assert!(first.count > came - 10 && first.count <= came, "{first:?}");
    }
}
