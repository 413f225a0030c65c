//! The slot table: from a page to its slots, and marking and clearing them.
//!
//! No atomics: the buddy allocator hands a page to one owner at a time, and
//! tells of the allocation after it has taken the page off its lists and of the
//! free before it puts it back, so the events of one page frame are ordered.

use core::ptr;

use aya_ebpf::{bindings::BPF_F_MMAPABLE, macros::map, maps::Array};
use tracer_ebpf::{CHUNK_SLOTS, Chunk, MAX_ORDER, Slot};

use crate::{config::CONFIG, word::Word};

/// User space sets how many page frames there are when it loads the object.
#[map]
static SLOTS: Array<Chunk> = Array::with_max_entries(1, BPF_F_MMAPABLE);

/// Page frame number of a `struct page`; far out of range if it is none.
#[inline(always)]
pub(crate) fn frame_of(page: u64) -> u64 {
    let offset = page.wrapping_sub(CONFIG.get(|it| &it.pages.base));
    match CONFIG.get(|it| &it.pages.size) {
        // A constant to the verifier: on nearly every kernel the other arm,
        // with its division, is removed before the program runs.
        64 => offset >> 6,
        0 => u64::MAX,
        size => offset / size,
    }
}

/// Pairs of slots in a chunk.
const PAIRS: usize = CHUNK_SLOTS / 2;

/// The slots of one block of the buddy allocator.
pub(crate) struct Block {
    chunk: *mut Chunk,
    first: usize,
    order: u32,
}

/// The slots of the 2^order page frames from `frame` on, if the table has them.
#[inline(always)]
pub(crate) fn block(frame: u64, order: u32) -> Option<Block> {
    if frame >= CONFIG.get(|it| &it.frames) || order > MAX_ORDER {
        return None;
    }
    let chunk = SLOTS.get_ptr_mut((frame / CHUNK_SLOTS as u64) as u32)?;
    let first = frame as usize % CHUNK_SLOTS;
    Some(Block {
        chunk,
        first,
        order,
    })
}

impl Block {
    /// How many pages it has.
    #[inline(always)]
    pub(crate) fn pages(&self) -> u64 {
        1 << self.order
    }

    /// Marks every page of the block and counts those that were marked already:
    /// they lost their free.
    ///
    /// Here and below, the count goes to a map: one in a register the verifier
    /// would follow through every turn of the loop.
    #[inline(always)]
    pub(crate) fn mark(&self, slot: Slot, missed_frees: &Word) {
        if self.order == 0 {
            let at = self.slot();
            // SAFETY: `slot` is within the chunk.
            let old = unsafe { ptr::replace(at, slot.0) };
            missed_frees.add(u64::from(old != 0));
            return;
        }
        let both = u64::from(slot.0) << 32 | u64::from(slot.0);
        let pairs = self.pairs();
        for i in 0..PAIRS {
            if i >= pairs {
                break;
            }
            let at = self.pair(i);
            // SAFETY: `pair` is within the chunk. Volatile keeps LLVM from making
            // the loop a memset, which BPF lacks.
            let old = unsafe { at.read_volatile() };
            if old != 0 {
                missed_frees.add(marked_in(old));
            }
            // SAFETY: as above.
            unsafe { at.write_volatile(both) };
        }
    }

    /// Marks the block's first page unless it is marked; gives whether it was not.
    #[inline(always)]
    pub(crate) fn mark_if_clear(&self, slot: Slot) -> bool {
        let at = self.slot();
        // SAFETY: `slot` is within the chunk.
        let is_clear = unsafe { at.read() } == 0;
        if is_clear {
            // SAFETY: as above.
            unsafe { at.write(slot.0) };
        }
        is_clear
    }

    /// Clears every page of the block and counts those that were marked.
    #[inline(always)]
    pub(crate) fn clear(&self, cleared: &Word) {
        if self.order == 0 {
            let at = self.slot();
            // SAFETY: `slot` is within the chunk.
            let old = unsafe { at.read() };
            // Most frees are of pages nobody asked about: do not dirty their line.
            if old != 0 {
                // SAFETY: as above.
                unsafe { at.write(0) };
                cleared.add(1);
            }
            return;
        }
        let pairs = self.pairs();
        for i in 0..PAIRS {
            if i >= pairs {
                break;
            }
            let at = self.pair(i);
            // SAFETY: `pair` is within the chunk; volatile as in `mark`.
            let old = unsafe { at.read_volatile() };
            if old != 0 {
                // SAFETY: as above.
                unsafe { at.write_volatile(0) };
                cleared.add(marked_in(old));
            }
        }
    }

    #[inline(always)]
    fn slot(&self) -> *mut u32 {
        self.chunk
            .cast::<u32>()
            .wrapping_add(self.first % CHUNK_SLOTS)
    }

    /// Half the block's pages, for orders from 1 on.
    #[inline(always)]
    fn pairs(&self) -> usize {
        let pairs = 1 << (self.order - 1);
        // SAFETY: a local. Volatile keeps LLVM from counting the loop in shifted
        // orders, of which the verifier knows no end.
        unsafe { (&raw const pairs).read_volatile() }
    }

    /// Two slots at once. The mask changes nothing, a block being aligned to its
    /// size; it is what the verifier believes.
    #[inline(always)]
    fn pair(&self, i: usize) -> *mut u64 {
        self.chunk
            .cast::<u64>()
            .wrapping_add((self.first / 2 + i) % PAIRS)
    }
}

/// How many of the two slots are marked, 0 to 2.
#[inline(always)]
fn marked_in(pair: u64) -> u64 {
    u64::from(pair as u32 != 0) + u64::from(pair >> 32 != 0)
}
