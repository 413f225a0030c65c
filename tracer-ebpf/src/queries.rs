//! Queries: programs that are never attached. User space runs them with
//! `BPF_PROG_TEST_RUN` to ask the kernel what no file tells.
//!
//! What they return is the answer. The macro for raw tracepoints returns 0
//! whatever its function does, so they do without.

use core::ffi::c_void;

use aya_ebpf::{helpers::bpf_probe_read_kernel, programs::RawTracePointContext};
use tracer_ebpf::QUERIED_FRAMES;

use crate::{filters, slots};

/// The process id of the caller in the initial namespace, where the programs
/// see it: `getpid()` gives that of a container.
#[unsafe(no_mangle)]
#[unsafe(link_section = "raw_tp/own_process")]
extern "C" fn own_process(_ctx: *mut c_void) -> u32 {
    filters::current_process()
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
        if is_so(slots::page_of(first + u64::from(i))) {
            pages |= 1 << i;
        }
    }
    pages
}

/// The word at a kernel address; an error if nothing lies there.
#[inline(always)]
fn read(address: u64) -> Result<u64, i32> {
    // SAFETY: the helper checks the address and copies; it never faults.
    unsafe { bpf_probe_read_kernel(address as *const u64) }
}
