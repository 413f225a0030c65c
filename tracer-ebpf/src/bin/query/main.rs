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

/// A bit for each of the page frames from the argument on: whether nobody holds
/// a reference to the page, and it has no type. So it is for a free page, also for
/// one on a per-CPU list, which `/proc/kpageflags` does not show.
#[unsafe(no_mangle)]
#[unsafe(link_section = "raw_tp/unreferenced_pages")]
extern "C" fn unreferenced_pages(ctx: *mut c_void) -> u32 {
    let first: u64 = RawTracePointContext::new(ctx).arg(0);
    let mut unreferenced = 0_u32;
    // The type, all ones for none, lies before the count (include/linux/mm_types.h).
    let offset = CONFIG.get(|it| &it.references) - size_of::<u32>() as u32;
    for i in 0..QUERIED_FRAMES {
        let words = page_of(first + u64::from(i)) + u64::from(offset);
        // SAFETY: the helper checks the address and copies; it never faults.
        let words = unsafe { bpf_probe_read_kernel(words as *const u64) };
        // Little-endian: the type is the lower half.
        if words == Ok(u64::from(u32::MAX)) {
            unreferenced |= 1 << i;
        }
    }
    unreferenced
}

/// Address of the `struct page` of a page frame.
#[inline(always)]
fn page_of(frame: u64) -> u64 {
    CONFIG.get(|it| &it.pages.base) + frame * CONFIG.get(|it| &it.pages.size)
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
