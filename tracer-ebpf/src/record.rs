//! What an allocation and a free do to the tables.

use aya_ebpf::EbpfContext;
use tracer_ebpf::{Slot, Tally};

use crate::{sites, slots, state, wishes};

/// One `mm_page_alloc` event, whichever hook it came from.
pub(crate) struct Allocation {
    pub(crate) failed: bool,
    pub(crate) frame: u64,
    pub(crate) order: u32,
    pub(crate) gfp: u32,
    pub(crate) migratetype: u32,
    /// Whether what the program was called with lies on the stack.
    pub(crate) context_on_stack: bool,
}

/// Marks the pages of an allocation with its site.
#[inline(always)]
pub(crate) fn page_allocated<C: EbpfContext>(ctx: &C, event: Allocation) {
    if event.migratetype == state::SKIPPED_MIGRATETYPE.load()
        || !wishes::include(event.order, event.gfp)
    {
        return;
    }
    let (Some(tally), Some(control)) = (tally(), state::CONTROL.get(0)) else {
        return;
    };
    let counts = &mut tally.alloc;
    if event.failed {
        counts.failed += 1;
        return;
    }
    if !wishes::include_frame(event.frame) {
        return;
    }
    counts.events += 1;
    let Some(block) = slots::block(event.frame, event.order) else {
        counts.out_of_range += 1;
        return;
    };
    if wishes::is_own_task() {
        counts.own_pages += block.pages();
        return;
    }
    let site = if event.context_on_stack && state::USE_RULES.load() != 0 {
        sites::site_from_rules(ctx, event.order, event.gfp, tally, control)
    } else {
        sites::of(ctx, event.order, event.gfp, &mut tally.alloc)
    };
    sites::count_pages(site, event.order);
    let counts = &mut tally.alloc;
    counts.pages += block.pages();
    block.mark(Slot::new(site, control.epoch), &mut counts.healed);
}

/// Clears the pages of a free, whichever allocations they came from.
#[inline(always)]
pub(crate) fn page_freed(frame: u64, order: u32) {
    let Some(tally) = tally() else { return };
    let tally = &mut tally.free;
    tally.events += 1;
    let Some(block) = slots::block(frame, order) else {
        tally.out_of_range += 1;
        return;
    };
    let before = tally.pages;
    block.clear(&mut tally.pages);
    if tally.pages == before {
        tally.unmatched += 1;
    }
}

#[inline(always)]
pub(crate) fn tally() -> Option<&'static mut Tally> {
    let tally = state::TALLY.get_ptr_mut(0)?;
    // SAFETY: the record is this CPU's own, and each program that can interrupt
    // another on it writes a part of its own.
    Some(unsafe { &mut *tally })
}

#[inline(always)]
pub(crate) fn epoch() -> u32 {
    state::CONTROL.get(0).map_or(0, |control| control.epoch)
}
