//! A program that copies kernel memory for user space, which runs it by
//! `BPF_PROG_TEST_RUN`: what the bytes mean is told there.
//!
//! What it returns is the answer. The macro for raw tracepoints returns 0 whatever its
//! function does, so this does without.

#![no_std]
#![no_main]

use core::ffi::c_void;

use aya_ebpf::{
    bindings::BPF_F_MMAPABLE, helpers::generated::bpf_probe_read_kernel, macros::map, maps::Array,
    programs::RawTracePointContext,
};
use tracer_ebpf::{COPIED_PIECES, PIECE_LEN};

/// One piece of memory.
#[repr(C)]
struct Piece([u8; PIECE_LEN]);

/// What was copied last, memory-mapped by user space.
#[map]
static COPIED: Array<Piece> = Array::with_max_entries(COPIED_PIECES, BPF_F_MMAPABLE);

/// Copies as many pieces as the second argument says, at most all, from the address in the first
/// on: a bit for each that could be read, the lowest for the first. The kernel makes the others
/// zeros.
#[unsafe(no_mangle)]
#[unsafe(link_section = "raw_tp/copy_memory")]
extern "C" fn copy_memory(ctx: *mut c_void) -> u32 {
    let ctx = RawTracePointContext::new(ctx);
    let (first, count) = (ctx.arg::<u64>(0), ctx.arg::<u64>(1));
    let mut copied = 0;
    for i in 0..COPIED_PIECES {
        if u64::from(i) >= count {
            break;
        }
        if copy(first + u64::from(i) * PIECE_LEN as u64, i) {
            copied |= 1 << i;
        }
    }
    copied
}

/// Copies one piece; whether it could be read.
#[inline(always)]
fn copy(address: u64, piece: u32) -> bool {
    let Some(to) = COPIED.get_ptr_mut(piece) else {
        return false;
    };
    // SAFETY: the helper writes no more than the piece has, and reads any address without a
    // fault.
    unsafe { bpf_probe_read_kernel(to.cast(), PIECE_LEN as u32, address as *const c_void) == 0 }
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
