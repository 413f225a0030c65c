//! Programs that look at the kernel and record nothing: queries, which user space runs by
//! `BPF_PROG_TEST_RUN`, and [probes](probe), of which it learns what the trace needs.
//!
//! What a query returns is the answer. The macro for raw tracepoints returns 0
//! whatever its function does, so queries do without.

#![no_std]
#![no_main]

mod probe;

use core::ffi::c_void;

use aya_ebpf::{
    helpers::{bpf_get_current_pid_tgid, bpf_probe_read_kernel},
    programs::RawTracePointContext,
};
use tracer_ebpf::{LoadTime, QUERIED_FRAMES, QueryConfig};

/// What user space told the programs before it loaded them.
#[unsafe(no_mangle)]
static CONFIG: LoadTime<QueryConfig> = LoadTime::new(QueryConfig::DEFAULT);

/// The process id of the caller in the initial namespace, where the programs
/// see it: `getpid()` gives that of a container.
#[unsafe(no_mangle)]
#[unsafe(link_section = "raw_tp/own_process")]
extern "C" fn own_process(_ctx: *mut c_void) -> u32 {
    current_process()
}

/// A bit for each of the page frames from the first argument on: whether the word at an
/// offset of its page struct, the second argument in bytes, has a value, the third.
#[unsafe(no_mangle)]
#[unsafe(link_section = "raw_tp/pages_with_word")]
extern "C" fn pages_with_word(ctx: *mut c_void) -> u32 {
    let ctx = RawTracePointContext::new(ctx);
    let (first, offset, value) = (ctx.arg(0), ctx.arg::<u64>(1), ctx.arg::<u64>(2));
    pages_where(first, |page| read(page + offset) == Ok(value))
}

/// A bit for each of the page frames from the first argument on: whether the page is on a
/// list. The links lie at an offset of its page struct, the second argument in bytes: those
/// of its neighbour lead back to them (include/linux/list.h).
#[unsafe(no_mangle)]
#[unsafe(link_section = "raw_tp/listed_pages")]
extern "C" fn listed_pages(ctx: *mut c_void) -> u32 {
    const PREVIOUS: u64 = size_of::<u64>() as u64;
    let ctx = RawTracePointContext::new(ctx);
    let (first, offset) = (ctx.arg(0), ctx.arg::<u64>(1));
    pages_where(first, |page| {
        let links = page + offset;
        read(links).and_then(|next| read(next + PREVIOUS)) == Ok(links)
    })
}

/// A bit for each of the page frames from `first` on, by the addresses of their page structs.
#[inline(always)]
fn pages_where(first: u64, is_so: impl Fn(u64) -> bool) -> u32 {
    let mut pages = 0;
    for i in 0..QUERIED_FRAMES {
        if is_so(page_of(first + u64::from(i))) {
            pages |= 1 << i;
        }
    }
    pages
}

/// Address of the `struct page` of a page frame.
#[inline(always)]
fn page_of(frame: u64) -> u64 {
    CONFIG.get(|it| &it.pages.base) + frame * CONFIG.get(|it| &it.pages.size)
}

/// The word at a kernel address; an error if nothing lies there.
#[inline(always)]
fn read(address: u64) -> Result<u64, i32> {
    // SAFETY: the helper checks the address and copies; it never faults.
    unsafe { bpf_probe_read_kernel(address as *const u64) }
}

/// The process id of the task that runs now: its `tgid`, in the initial namespace.
#[inline(always)]
fn current_process() -> u32 {
    (bpf_get_current_pid_tgid() >> 32) as u32
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
