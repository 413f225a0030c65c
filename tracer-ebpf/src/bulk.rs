//! The bulk allocator, which passes no tracepoint on its fast path: its pages
//! are marked when it returns.

use aya_ebpf::{EbpfContext, helpers::bpf_probe_read_kernel};
use tracer_ebpf::{AllocationTally, BULK, BULK_PAGES, Slot};

use crate::{
    record::{self, epoch},
    sites, slots, state, wishes,
};

/// Marks what a call put into an array of `filled` page pointers.
///
/// Those that were there before the call are counted in `filled` too; so only
/// pages that are not marked yet are.
#[inline(always)]
pub(crate) fn array_filled<C: EbpfContext>(ctx: &C, gfp: u32, array: u64, filled: u64) {
    let Some(mut call) = Call::begin(ctx, gfp, filled) else {
        return;
    };
    for i in 0..BULK_PAGES {
        if i >= call.pages {
            break;
        }
        call.mark(read(array + i * 8));
    }
}

/// Marks what a call put on a list, newest first; it holds other pages behind them.
#[inline(always)]
pub(crate) fn list_filled<C: EbpfContext>(ctx: &C, gfp: u32, list: u64, filled: u64) {
    let Some(mut call) = Call::begin(ctx, gfp, filled) else {
        return;
    };
    let mut link = list;
    for i in 0..BULK_PAGES {
        if i >= call.pages {
            break;
        }
        link = read(link);
        call.mark(link.wrapping_sub(state::PAGE_LIST_OFFSET.load()));
    }
}

/// One call of the bulk allocator that took pages.
struct Call {
    tally: &'static mut AllocationTally,
    slot: Slot,
    site: u32,
    pages: u64,
}

impl Call {
    #[inline(always)]
    fn begin<C: EbpfContext>(ctx: &C, gfp: u32, filled: u64) -> Option<Self> {
        if filled == 0 || !wishes::include(0, gfp) {
            return None;
        }
        let tally = &mut record::tally()?.bulk;
        tally.events += 1;
        if wishes::is_own_task() {
            tally.own_pages += filled;
            return None;
        }
        tally.unread_pages += filled.saturating_sub(BULK_PAGES);
        let site = sites::of(ctx, BULK, gfp, tally);
        Some(Self {
            tally,
            slot: Slot::new(site, epoch()),
            site,
            pages: filled,
        })
    }

    /// Marks one page, unless it is marked: then the call fell back on the
    /// allocator proper, which told of it, or the page was there before.
    #[inline(always)]
    fn mark(&mut self, page: u64) {
        let frame = slots::frame_of(page);
        let Some(block) = slots::block(frame, 0) else {
            self.tally.out_of_range += 1;
            return;
        };
        if wishes::include_frame(frame) && block.mark_if_clear(self.slot) {
            self.tally.pages += 1;
            sites::count_pages(self.site, 0);
        }
    }
}

/// The word at a kernel address, or zero.
#[inline(always)]
fn read(address: u64) -> u64 {
    // SAFETY: the helper checks the address and copies; it never faults.
    unsafe { bpf_probe_read_kernel(address as *const u64) }.unwrap_or(0)
}
