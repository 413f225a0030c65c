//! Words of maps.

use core::cell::UnsafeCell;

/// A word that user space, or a program that interrupts this one, may read or write at
/// any time. It would be an `AtomicU64` with relaxed accesses, which LLVM has not for BPF;
/// atomic additions would cost more than all the rest of a program.
#[repr(transparent)]
pub(crate) struct Word(UnsafeCell<u64>);

// SAFETY: each access is that of a whole aligned word, which the hardware does not divide.
unsafe impl Sync for Word {}

impl Word {
    #[inline(always)]
    pub(crate) fn get(&self) -> u64 {
        // SAFETY: the pointer is that of a live word.
        unsafe { self.0.get().read_volatile() }
    }

    #[inline(always)]
    pub(crate) fn set(&self, value: u64) {
        // SAFETY: as above.
        unsafe { self.0.get().write_volatile(value) };
    }

    /// Adds to a word that nobody else writes meanwhile.
    #[inline(always)]
    pub(crate) fn add(&self, more: u64) {
        self.set(self.get().wrapping_add(more));
    }
}
