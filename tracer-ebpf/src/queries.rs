//! Queries: programs that are never attached. User space runs them with
//! `BPF_PROG_TEST_RUN` to ask the kernel what no file tells.
//!
//! What they return is the answer. The macro for raw tracepoints returns 0
//! whatever its function does, so they do without.

use core::ffi::c_void;

use aya_ebpf::{helpers::bpf_probe_read_kernel, programs::RawTracePointContext};
use tracer_ebpf::QUERIED_FRAMES;

use crate::{filters, slots, state::CONFIG};

/// The process id of the caller in the initial namespace, where the programs
/// see it: `getpid()` gives that of a container.
#[unsafe(no_mangle)]
#[unsafe(link_section = "raw_tp/own_process")]
extern "C" fn own_process(_ctx: *mut c_void) -> u32 {
    filters::current_process()
}

/// A bit for each of the page frames from the argument on: whether nobody holds
/// a reference to the page, and it has no type. So it is for a free page, also for
/// one on a per-CPU list, which `/proc/kpageflags` does not show.
#[unsafe(no_mangle)]
#[unsafe(link_section = "raw_tp/unreferenced_pages")]
extern "C" fn unreferenced_pages(ctx: *mut c_void) -> u32 {
    let first: u64 = RawTracePointContext::new(ctx).arg(0);
    let mut unreferenced = 0_u32;
    // The type, all ones for none, lies before the count (include/linux/mm_types.h).
    let offset = CONFIG.get(|it| &it.pages.references) - size_of::<u32>() as u64;
    for i in 0..QUERIED_FRAMES {
        let words = slots::page_of(first + u64::from(i)) + offset;
        // SAFETY: the helper checks the address and copies; it never faults.
        let words = unsafe { bpf_probe_read_kernel(words as *const u64) };
        // Little-endian: the type is the lower half.
        if words == Ok(u64::from(u32::MAX)) {
            unreferenced |= 1 << i;
        }
    }
    unreferenced
}
