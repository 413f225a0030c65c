//! The programs of the trace. Each is a thin shell that takes the arguments of its hook
//! apart; what happens to them is in [`record`] and [`bulk`].

#![no_std]
#![no_main]

mod bulk;
mod config;
mod filters;
mod nesting;
mod record;
mod samples;
mod sites;
mod slots;
mod stack;
mod takers;
mod unwind;
mod word;

use aya_ebpf::{
    EbpfContext,
    helpers::bpf_probe_read_kernel,
    macros::{fentry, fexit, raw_tracepoint, tracepoint},
    programs::{FEntryContext, FExitContext, RawTracePointContext, TracePointContext},
};
use config::CONFIG;
use record::{Allocation, page_allocated, page_freed};

/// `trace_mm_page_alloc(struct page *page, unsigned int order, gfp_t gfp_flags, int migratetype)`
/// (include/trace/events/kmem.h).
#[raw_tracepoint(tracepoint = "mm_page_alloc")]
fn page_alloc(ctx: RawTracePointContext) -> i32 {
    let page: u64 = ctx.arg(0);
    page_allocated(
        &ctx,
        &Allocation {
            failed: page == 0,
            frame: slots::frame_of(page),
            order: ctx.arg(1),
            gfp: ctx.arg(2),
            migratetype: ctx.arg(3),
            context_on_stack: true,
        },
    );
    0
}

/// `trace_mm_page_free(struct page *page, unsigned int order)`.
#[raw_tracepoint(tracepoint = "mm_page_free")]
fn page_free(ctx: RawTracePointContext) -> i32 {
    page_freed(slots::frame_of(ctx.arg(0)), ctx.arg(1));
    0
}

/// The tracefs tracepoint's record has the page frame number in it, all ones
/// for a failed allocation.
#[tracepoint(category = "kmem", name = "mm_page_alloc")]
fn page_alloc_tracefs(ctx: TracePointContext) -> u32 {
    let frame: u64 = field(&ctx, CONFIG.get(|it| &it.tracefs.alloc_pfn));
    page_allocated(
        &ctx,
        &Allocation {
            failed: frame == u64::MAX,
            frame,
            order: field(&ctx, CONFIG.get(|it| &it.tracefs.alloc_order)),
            gfp: field(&ctx, CONFIG.get(|it| &it.tracefs.alloc_gfp)),
            migratetype: field(&ctx, CONFIG.get(|it| &it.tracefs.alloc_migratetype)),
            context_on_stack: false,
        },
    );
    0
}

/// The tracefs counterpart of [`page_free`].
#[tracepoint(category = "kmem", name = "mm_page_free")]
fn page_free_tracefs(ctx: TracePointContext) -> u32 {
    page_freed(
        field(&ctx, CONFIG.get(|it| &it.tracefs.free_pfn)),
        field(&ctx, CONFIG.get(|it| &it.tracefs.free_order)),
    );
    0
}

/// `unsigned long alloc_pages_bulk_noprof(gfp_t gfp, int preferred_nid, nodemask_t *nodemask,
/// int nr_pages, struct page **page_array)` (mm/page_alloc.c). Before Linux 6.14 with
/// `struct list_head *page_list` before `page_array`: one of the two is NULL.
///
/// Tests load this program and the next as raw tracepoints: they change the names of the
/// sections, whose lengths allow that.
#[fentry(function = "alloc_pages_bulk")]
fn bulk_entry(ctx: FEntryContext) -> i32 {
    let array = field(&ctx, argument(CONFIG.get(|it| &it.bulk.array)));
    if array != 0 {
        bulk::array_given(ctx.arg(0), array, ctx.arg(3));
    }
    0
}

/// The same function, when it returns.
#[fexit(function = "alloc_pages_bulk")]
fn bulk_exit(ctx: FExitContext) -> i32 {
    bulk::returned(
        &ctx,
        &bulk::Call {
            gfp: ctx.arg(0),
            list: field(&ctx, argument(CONFIG.get(|it| &it.bulk.list))),
            array: field(&ctx, argument(CONFIG.get(|it| &it.bulk.array))),
            filled: field(&ctx, argument(CONFIG.get(|it| &it.bulk.result))),
        },
    );
    0
}

/// Where the argument `index` of a function lies in the context.
#[inline(always)]
const fn argument(index: u32) -> u32 {
    index * size_of::<u64>() as u32
}

/// The field at `offset` of what a program is called with, or zero.
///
/// The offset is a load-time constant, which the verifier does not accept in a
/// direct load from the context, nor a pointer to a pointer before Linux 6.12; a
/// copying helper takes any address.
#[inline(always)]
fn field<T: Default>(ctx: &impl EbpfContext, offset: u32) -> T {
    let address = ctx.as_ptr().wrapping_byte_add(offset as usize);
    // SAFETY: the helper checks the address and copies; it never faults.
    unsafe { bpf_probe_read_kernel(address.cast::<T>()) }.unwrap_or_default()
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
