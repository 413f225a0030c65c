//! Samples: stacks handed to user space, which learns unwind rules from them.

use core::ffi::c_void;

use aya_ebpf::{helpers::generated::bpf_probe_read_kernel, macros::map, maps::RingBuf};
use tracer_ebpf::{SAMPLE_PAGES, Sample, Site, unwind::Stack};

/// User space sets how large it is when it loads the object.
#[map]
static SAMPLES: RingBuf = RingBuf::with_byte_size(4096, 0);

const PAGE: u64 = 4096;

/// Sends the stack with the frames that the kernel found on it. If user space is
/// behind, there is no room, and nothing is lost: the same frames come again.
#[inline(always)]
pub(crate) fn send(stack: &impl Stack, site: &Site) {
    let Some(mut entry) = SAMPLES.reserve::<Sample>(0) else {
        return;
    };
    let sample = entry.as_mut_ptr();
    // SAFETY: the entry has room for a sample; this is one of its fields.
    let frames = unsafe { &raw mut (*sample).frames };
    // SAFETY: as above.
    let pages = unsafe { &raw mut (*sample).pages };
    copy(
        frames.cast(),
        size_of_val(&site.frames),
        (&raw const site.frames) as u64,
    );
    let first = stack.context() & !(PAGE - 1);
    let mut copied = 0;
    for page in 0..SAMPLE_PAGES {
        let to = pages
            .cast::<c_void>()
            .wrapping_byte_add(page * PAGE as usize);
        // The page after the last one of a stack cannot be read.
        if !copy(to, PAGE as usize, first + page as u64 * PAGE) {
            break;
        }
        copied += 1;
    }
    // SAFETY: as above.
    unsafe { (*sample).depth = u64::from(site.depth) };
    // SAFETY: as above.
    unsafe { (*sample).context = stack.context() };
    // SAFETY: as above.
    unsafe { (*sample).copied = copied };
    entry.submit(0);
}

#[inline(always)]
fn copy(to: *mut c_void, len: usize, from: u64) -> bool {
    // SAFETY: the helper checks the source and copies; it never faults.
    unsafe { bpf_probe_read_kernel(to, len as u32, from as *const c_void) == 0 }
}
