//! The scan: how many pages each site and epoch left behind.

use std::{
    collections::{BTreeMap, HashMap},
    sync::atomic::{AtomicU32, Ordering},
};

use tracer_ebpf::Slot;

/// Pages that were never freed: site id → epoch → pages.
pub type Survivors = BTreeMap<u32, BTreeMap<u32, u64>>;

/// Counts the marked slots.
pub fn survivors(slots: &[AtomicU32]) -> Survivors {
    let mut survivors = Survivors::new();
    for (word, pages) in count_words(slots) {
        let slot = Slot(word);
        survivors
            .entry(slot.site())
            .or_default()
            .insert(slot.epoch(), pages);
    }
    survivors
}

/// Neighbouring pages often belong together, so equal words are counted by the run.
fn count_words(slots: &[AtomicU32]) -> HashMap<u32, u64> {
    let mut counts = HashMap::new();
    let (mut current, mut run) = (0, 0);
    for slot in slots {
        let word = slot.load(Ordering::Relaxed);
        if word != current {
            *counts.entry(current).or_insert(0) += run;
            (current, run) = (word, 0);
        }
        run += 1;
    }
    *counts.entry(current).or_insert(0) += run;
    counts.remove(&0);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_site_and_epoch_is_counted() {
        let words = [
            0,
            Slot::new(23, 1).0,
            Slot::new(23, 1).0,
            Slot::new(23, 2).0,
            0,
        ];
        let words = [&words[..], &[Slot::new(99, 7).0, Slot::new(23, 1).0]].concat();
        let slots: Vec<_> = words.into_iter().map(AtomicU32::new).collect();
        let expected = BTreeMap::from([
            (23, BTreeMap::from([(1, 3), (2, 1)])),
            (99, BTreeMap::from([(7, 1)])),
        ]);
        assert_eq!(survivors(&slots), expected);
    }

    #[test]
    fn an_empty_table_has_none() {
        assert!(survivors(&[]).is_empty());
        assert!(survivors(&[const { AtomicU32::new(0) }; 5]).is_empty());
    }
}
