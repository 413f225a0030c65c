//! The slot table: from a page to its slots, and marking and clearing them.
//!
//! No atomics: the buddy allocator hands a page to one owner at a time, and
//! tells of the allocation after it has taken the page off its lists and of the
//! free before it puts it back, so the events of one page frame are ordered.

use core::ptr;

use aya_ebpf::{bindings::BPF_F_MMAPABLE, macros::map, maps::Array};
use tracer_ebpf::{CHUNK_SLOTS, Chunk, MAX_ORDER, SPANS, Slot};

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

/// Where the slot of a page frame is in the table. Of the spans, those that are empty are known to the
/// kernel's verifier, which removes their tests: nearly every machine has one.
#[inline(always)]
fn place_of(frame: u64) -> Option<u64> {
    for i in 0..SPANS {
        // A difference that wraps is beyond any span.
        let at = frame.wrapping_sub(CONFIG.get(|it| &it.spans[i].first));
        if at < CONFIG.get(|it| &it.spans[i].frames) {
            return Some(at + CONFIG.get(|it| &it.spans[i].slot));
        }
    }
    None
}

/// The slots of the 2^order page frames from `frame` on, if the table has them.
#[inline(always)]
pub(crate) fn block(frame: u64, order: u32) -> Option<Block> {
    if order > MAX_ORDER || u64::from(order) > CONFIG.get(|it| &it.largest_order) {
        return None;
    }
    let slot = place_of(frame)?;
    let chunk = SLOTS.get_ptr_mut((slot / CHUNK_SLOTS as u64) as u32)?;
    let first = slot as usize % CHUNK_SLOTS;
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
        let both = u64::from(slot.0) << 32 | u64::from(slot.0);
        match self.order {
            0 => {
                let at = self.slot();
                // SAFETY: `slot` is within the chunk.
                let old = unsafe { ptr::replace(at, slot.0) };
                missed_frees.add(u64::from(old != 0));
            }
            1 => mark([self.pair(0)], both, missed_frees),
            2 => mark([self.pair(0), self.pair(1)], both, missed_frees),
            _ => {
                let (pairs, most) = (self.pairs(), most_pairs());
                for i in (0..PAIRS).step_by(GROUP) {
                    if i >= pairs || i >= most {
                        break;
                    }
                    mark(self.group(i), both, missed_frees);
                }
            }
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
        match self.order {
            0 => {
                let at = self.slot();
                // SAFETY: `slot` is within the chunk.
                let old = unsafe { at.read() };
                // Most frees are of pages nobody asked about: do not dirty their line.
                if old != 0 {
                    // SAFETY: as above.
                    unsafe { at.write(0) };
                    cleared.add(1);
                }
            }
            1 => clear([self.pair(0)], cleared),
            2 => clear([self.pair(0), self.pair(1)], cleared),
            _ => {
                let (pairs, most) = (self.pairs(), most_pairs());
                for i in (0..PAIRS).step_by(GROUP) {
                    if i >= pairs || i >= most {
                        break;
                    }
                    clear(self.group(i), cleared);
                }
            }
        }
    }

    #[inline(always)]
    fn slot(&self) -> *mut u32 {
        self.chunk
            .cast::<u32>()
            .wrapping_add(self.first % CHUNK_SLOTS)
    }

    /// Half the block's pages, for orders from 3 on.
    #[inline(always)]
    fn pairs(&self) -> usize {
        let pairs = 1 << (self.order - 1);
        // SAFETY: a local. Volatile keeps LLVM from counting the loop in shifted
        // orders, of which the verifier knows no end.
        unsafe { (&raw const pairs).read_volatile() }
    }

    /// Two slots at once, of the first ones of the block. The mask changes nothing, a block being aligned
    /// to its size; it is what the verifier believes.
    #[inline(always)]
    fn pair(&self, i: usize) -> *mut u64 {
        self.chunk
            .cast::<u64>()
            .wrapping_add((self.first / 2 + i) % PAIRS)
    }

    /// [`GROUP`] neighbours of those, likewise, of a block that has so many.
    #[inline(always)]
    fn group(&self, i: usize) -> [*mut u64; GROUP] {
        let first = ((self.first / 2 + i) % PAIRS) & !(GROUP - 1);
        let first = self.chunk.cast::<u64>().wrapping_add(first);
        [
            first,
            first.wrapping_add(1),
            first.wrapping_add(2),
            first.wrapping_add(3),
        ]
    }
}

/// How many pairs of slots a turn of a loop goes over. The verifier follows no more than 8192 choices in
/// a row, and each turn is two of them.
const GROUP: usize = 4;

/// Marks the slots at these places, and counts those that were marked.
#[inline(always)]
fn mark<const N: usize>(pairs: [*mut u64; N], both: u64, missed_frees: &Word) {
    let old = read(pairs);
    if any(old) {
        missed_frees.add(marked_in(old));
    }
    write(pairs, both);
}

/// Clears the slots at these places, and counts those that were marked.
#[inline(always)]
fn clear<const N: usize>(pairs: [*mut u64; N], cleared: &Word) {
    let old = read(pairs);
    if any(old) {
        write(pairs, 0);
        cleared.add(marked_in(old));
    }
}

/// What is at these places. Volatile, here and below, keeps LLVM from making loops a memset, which BPF
/// lacks.
#[inline(always)]
fn read<const N: usize>(pairs: [*mut u64; N]) -> [u64; N] {
    // SAFETY: `pair` and `group` are within the chunk.
    pairs.map(|at| unsafe { at.read_volatile() })
}

#[inline(always)]
fn write<const N: usize>(pairs: [*mut u64; N], word: u64) {
    for at in pairs {
        // SAFETY: as above.
        unsafe { at.write_volatile(word) };
    }
}

/// Whether any slot of these pairs is marked.
#[inline(always)]
fn any<const N: usize>(pairs: [u64; N]) -> bool {
    pairs.into_iter().fold(0, |all, pair| all | pair) != 0
}

/// Pairs of slots in the largest block of this kernel: a constant to the verifier, which would follow a
/// loop over a whole chunk.
#[inline(always)]
fn most_pairs() -> usize {
    1 << CONFIG.get(|it| &it.largest_order) >> 1
}

/// How many slots of these pairs are marked, without a choice, of which the verifier would follow both
/// sides.
#[inline(always)]
fn marked_in<const N: usize>(pairs: [u64; N]) -> u64 {
    const LOW: u64 = 0x7fff_ffff_7fff_ffff;
    const EACH: u64 = 0x1_0000_0001;
    // The highest bit of each half, which is carried into it unless the half is 0.
    let marked = |pair: u64| ((((pair & LOW) + LOW) | pair) >> (u32::BITS - 1)) & EACH;
    let halves: u64 = pairs.into_iter().map(marked).sum();
    (halves & u64::from(u32::MAX)) + (halves >> u32::BITS)
}
