//! Probes: where the page structs are, and whether programs can read their stack in place.

use aya_ebpf::{
    EbpfContext,
    macros::{map, raw_tracepoint},
    maps::Queue,
    programs::RawTracePointContext,
};
use tracer_ebpf::{
    rdonly_cast,
    unwind::{STACK_SIZE, WORD},
};

use crate::{CONFIG, current_process};

/// User space sets how many there can be when it loads the object.
#[map]
static PROBED_PAGES: Queue<u64> = Queue::with_max_entries(1, 0);

/// Reports the page pointers of order-0 allocations by the tracer's own process, which
/// provokes them to learn where the `struct page` array begins.
#[raw_tracepoint(tracepoint = "mm_page_alloc")]
fn probe_page_pointer(ctx: RawTracePointContext) -> i32 {
    let page: u64 = ctx.arg(0);
    let is_own = || u64::from(current_process()) == CONFIG.get(|it| &it.own_process);
    if page != 0 && ctx.arg::<u32>(1) == 0 && is_own() {
        // A full queue only means that there is enough to vote on.
        let _ = PROBED_PAGES.push(page, 0);
    }
    0
}

/// Reads its stack in place: whether the kernel's verifier allows that, loading tells.
#[raw_tracepoint(tracepoint = "mm_page_alloc")]
fn probe_stack(ctx: RawTracePointContext) -> i32 {
    let offset = ctx.arg::<u64>(1) & (STACK_SIZE - WORD);
    // SAFETY: user space loads this program in a copy of the object with the call replaced.
    let memory = unsafe { rdonly_cast::cast(ctx.as_ptr()) };
    let address = memory.wrapping_add(offset as usize);
    // SAFETY: the kernel catches faults of such memory.
    let word = unsafe { address.cast::<u64>().read_volatile() };
    word as i32
}
