//! What an allocation and a free do to the tables.

use aya_ebpf::EbpfContext;
use tracer_ebpf::{Slot, Tally};

use crate::{sites, slots, state};

/// One `mm_page_alloc` event, whichever hook it came from.
pub(crate) struct Allocation {
    pub(crate) failed: bool,
    pub(crate) frame: u64,
    pub(crate) order: u32,
    pub(crate) gfp: u32,
    pub(crate) migratetype: u32,
}

/// Marks the pages of an allocation with its site.
#[inline(always)]
pub(crate) fn page_allocated<C: EbpfContext>(ctx: &C, event: Allocation) {
    if event.migratetype == state::SKIPPED_MIGRATETYPE.load() {
        return;
    }
    let Some(tally) = tally() else { return };
    if event.failed {
        tally.failed_allocations += 1;
        return;
    }
    let Some(block) = slots::block(event.frame, event.order) else {
        tally.allocations_out_of_range += 1;
        return;
    };
    let site = sites::of(ctx, event.order, event.gfp, tally);
    sites::count_pages(site, event.order);
    block.mark(Slot::new(site, epoch()), tally);
}

/// Clears the pages of a free, whichever allocations they came from.
#[inline(always)]
pub(crate) fn page_freed(frame: u64, order: u32) {
    let Some(tally) = tally() else { return };
    match slots::block(frame, order) {
        Some(block) => block.clear(tally),
        None => tally.frees_out_of_range += 1,
    }
}

#[inline(always)]
fn tally() -> Option<&'static mut Tally> {
    let tally = state::TALLY.get_ptr_mut(0)?;
    // SAFETY: the record is this CPU's own, and of the programs that can
    // interrupt each other on it no two write the same field.
    Some(unsafe { &mut *tally })
}

#[inline(always)]
fn epoch() -> u32 {
    state::CONTROL.get(0).map_or(0, |control| control.epoch)
}
