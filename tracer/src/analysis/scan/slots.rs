//! Reading slots near the speed of memory.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::UNIT;

/// The slots two by two, and those at the ends: fewer loads read as much.
fn pairs(slots: &[AtomicU32]) -> (&[AtomicU32], &[AtomicU64], &[AtomicU32]) {
    // SAFETY: two neighbouring `AtomicU32` that are aligned to eight bytes are an
    // `AtomicU64`, of any value, and nothing in this process writes to them.
    unsafe { slots.align_to() }
}

/// Copies the slots as they are now.
pub(super) fn load(slots: &[AtomicU32], words: &mut [u32]) {
    let (before, pairs, after) = pairs(slots);
    let (first, words) = words.split_at_mut(before.len());
    let (twos, last) = words.as_chunks_mut();
    for (two, pair) in twos.iter_mut().zip(pairs) {
        let pair = pair.load(Ordering::Relaxed).to_ne_bytes();
        let (words, _) = pair.as_chunks();
        *two = [u32::from_ne_bytes(words[0]), u32::from_ne_bytes(words[1])];
    }
    for (word, slot) in first.iter_mut().chain(last).zip(before.iter().chain(after)) {
        *word = slot.load(Ordering::Relaxed);
    }
}

/// Slots of 4 KiB of the table.
const AHEAD: usize = 1024;

/// Begins to fetch the unit 4 KiB beyond `slot`, if there is one: the CPU does
/// so by itself only within a page of memory.
pub(super) fn prefetch(slot: *const AtomicU32) {
    for line in [0, UNIT / 2] {
        prefetch_line(slot.wrapping_add(AHEAD + line));
    }
}

#[cfg(target_arch = "x86_64")]
fn prefetch_line(slot: *const AtomicU32) {
    // SAFETY: a hint, which no address makes fail.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(slot.cast()) };
}

/// The instruction as text: the function for it is not stable (`_prefetch` of `std::arch::aarch64`).
#[cfg(target_arch = "aarch64")]
fn prefetch_line(slot: *const AtomicU32) {
    // SAFETY: a hint, which no address makes fail, and which neither reads for the program nor writes.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{}]", in(reg) slot, options(nostack, readonly, preserves_flags));
    }
}

/// Whether any of these slots is marked.
pub(super) fn is_marked(slots: &[AtomicU32]) -> bool {
    let (before, pairs, after) = pairs(slots);
    let (groups, rest) = pairs.as_chunks::<UNIT>();
    let one = |slot: &AtomicU32| slot.load(Ordering::Relaxed) != 0;
    groups.iter().any(|group| !are_all(group, 0))
        || !are_all(rest, 0)
        || before.iter().chain(after).any(one)
}

/// The word in all these slots, if it is the same.
pub(super) fn same_word(slots: &[AtomicU32]) -> Option<u32> {
    let (before, pairs, after) = pairs(slots);
    let word = slots.first()?.load(Ordering::Relaxed);
    let two = u64::from(word) << u32::BITS | u64::from(word);
    let one = |slot: &AtomicU32| slot.load(Ordering::Relaxed) == word;
    (are_all(pairs, two) && before.iter().chain(after).all(one)).then_some(word)
}

/// Whether all words are like this one. Four sums, so that no load waits for the
/// one before it.
fn are_all(words: &[AtomicU64], like: u64) -> bool {
    let (fours, rest) = words.as_chunks::<4>();
    let load = |word: &AtomicU64| word.load(Ordering::Relaxed) ^ like;
    let mut sums = [0; 4];
    for four in fours {
        for (sum, word) in sums.iter_mut().zip(four) {
            *sum |= load(word);
        }
    }
    rest.iter().map(load).chain(sums).fold(0, |a, b| a | b) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_anywhere_is_seen() {
        // Whatever the alignment of the slots.
        for (skipped, len) in [(0, 1024), (1, 1024), (1, 7), (0, 1), (3, 66)] {
            for at in 0..len {
                let slots: Vec<_> = (0..skipped + len)
                    .map(|i| AtomicU32::new(u32::from(i == skipped + at)))
                    .collect();
                assert!(is_marked(&slots[skipped..]), "{at} of {len}");
                slots[skipped + at].store(0, Ordering::Relaxed);
                assert!(!is_marked(&slots[skipped..]));
            }
        }
    }
}
