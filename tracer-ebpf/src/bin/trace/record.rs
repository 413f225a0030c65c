//! What an allocation and a free do to the tables.

use core::hint::black_box;

use aya_ebpf::{
    EbpfContext,
    macros::map,
    maps::{Array, PerCpuArray},
};
use tracer_ebpf::{Control, Counters, ORDERS, STACK_LOST, Slot, unwinding};

use crate::{config::CONFIG, filters, nesting::Run, sites, slots, unwind::Request, word::Word};

#[map]
static CONTROL: Array<Control> = Array::with_max_entries(1, 0);

#[map]
static COUNTERS: PerCpuArray<Counters<Word>> = PerCpuArray::with_max_entries(1, 0);

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
pub(crate) fn page_allocated<C: EbpfContext>(ctx: &C, event: &Allocation) {
    if filters::is_skipped_user_memory(event.migratetype, event.gfp)
        || !filters::include(event.order, event.gfp)
    {
        return;
    }
    let (Some(counters), Some(control)) = (counters(), control()) else {
        return;
    };
    let (run, counts) = Run::begin(&counters.alloc);
    if event.failed {
        counts.failed.add(1);
        return;
    }
    if !filters::include_frame(event.frame) {
        return;
    }
    counts.events.add(1);
    let Some(block) = slots::block(event.frame, event.order) else {
        counts.out_of_range.add(1);
        return;
    };
    let site = if run.is_nested() {
        // LLVM knows that the order is small, and must not leave out what the verifier
        // knows it by.
        counts.nested[black_box(event.order) as usize % ORDERS].add(1);
        STACK_LOST + event.order
    } else {
        let Some(site) = site(ctx, event, counters, &control) else {
            counts.own_pages.add(block.pages());
            return;
        };
        sites::count_pages(site, event.order);
        site
    };
    counts.pages.add(block.pages());
    block.mark(Slot::new(site, control.epoch), &counts.missed_frees);
}

/// The site of an allocation; none if it is the tracer's own.
#[inline(always)]
fn site<C: EbpfContext>(
    ctx: &C,
    event: &Allocation,
    counters: &'static Counters<Word>,
    control: &Control,
) -> Option<u32> {
    let is_own = filters::is_own_task();
    let by = CONFIG.get(|it| &it.unwind.by);
    let by_itself = event.context_on_stack && by != unwinding::KERNEL;
    let frames_below = control.unwind.frames_below;
    let request = Request {
        ctx,
        order: event.order,
        gfp: event.gfp,
        skipped: if by_itself { frames_below } else { 0 },
        counts: &counters.alloc.levels[0],
    };
    if by_itself && !is_own {
        Some(request.site_from_stack(&control.unwind, &counters.unwind))
    } else {
        request.site_by_kernel(is_own)
    }
}

/// Clears the pages of a free, whichever allocations they came from. That can be done
/// in the middle of another: the pages of two frees are never the same.
#[inline(always)]
pub(crate) fn page_freed(frame: u64, order: u32) {
    let Some(counters) = counters() else { return };
    let (_run, counts) = Run::begin(&counters.free);
    counts.events.add(1);
    let Some(block) = slots::block(frame, order) else {
        counts.out_of_range.add(1);
        return;
    };
    let before = counts.pages.get();
    block.clear(&counts.pages);
    if counts.pages.get() == before {
        counts.unmatched.add(1);
    }
}

/// This CPU's counters.
#[inline(always)]
pub(crate) fn counters() -> Option<&'static Counters<Word>> {
    COUNTERS.get(0)
}

/// What user space says now.
#[inline(always)]
pub(crate) fn control() -> Option<Control> {
    let control = CONTROL.get_ptr(0)?;
    // SAFETY: a value of a map; user space may be changing its words meanwhile, and any
    // mixture of old ones and new ones is a value.
    Some(unsafe { control.read_volatile() })
}
