//! The site table: from the stack of an allocation to a site id.

use aya_ebpf::{
    EbpfContext,
    bindings::BPF_NOEXIST,
    helpers::{bpf_get_current_comm, bpf_get_current_pid_tgid, bpf_get_stack},
};
use aya_log_ebpf::warn;
use tracer_ebpf::{AllocationTally, BULK, MAX_FRAMES, SITE_TABLE_FULL, STACK_LOST, Site};

use crate::state;

/// The id of the allocation's site; a reserved one if it cannot have its own.
/// `order` may be [`BULK`]. Messages tell of the first loss on each CPU only:
/// this is the allocator's path.
#[inline(always)]
pub(crate) fn of<C: EbpfContext>(
    ctx: &C,
    order: u32,
    gfp: u32,
    tally: &mut AllocationTally,
) -> u32 {
    let Some(scratch) = state::SCRATCH.get_ptr_mut(u32::from(order == BULK)) else {
        return STACK_LOST + order;
    };
    // SAFETY: this program's own record on this CPU, and none runs inside itself.
    let scratch = unsafe { &mut *scratch };
    match unwind(ctx, scratch) {
        Ok(depth) => scratch.depth = depth,
        Err(error) => {
            if tally.failed_unwinds == 0 {
                warn!(ctx, "the kernel could not unwind a stack: error {}", error);
            }
            tally.failed_unwinds += 1;
            return STACK_LOST + order;
        }
    }
    scratch.order = order;
    scratch.gfp = gfp;
    let key = key(scratch);
    if let Some(id) = known(&key) {
        return id;
    }
    match enrol(&key, scratch) {
        Some(id) => id,
        None => {
            if tally.site_table_full == 0 {
                warn!(ctx, "the site table is full");
            }
            tally.site_table_full += 1;
            SITE_TABLE_FULL + order
        }
    }
}

/// Adds 2^order pages to what the site has ever taken.
#[inline(always)]
pub(crate) fn count_pages(site: u32, order: u32) {
    if let Some(pages) = state::SITE_PAGES.get_ptr_mut(site) {
        // SAFETY: this CPU's own counter.
        unsafe { *pages += 1 << order };
    }
}

/// Unwinds the kernel stack into the record and gives its depth in frames.
#[inline(always)]
fn unwind<C: EbpfContext>(ctx: &C, site: &mut Site) -> Result<u32, i64> {
    const SIZE: u32 = size_of::<[u64; MAX_FRAMES]>() as u32;
    // SAFETY: the buffer is SIZE bytes long.
    let bytes = unsafe { bpf_get_stack(ctx.as_ptr(), site.frames.as_mut_ptr().cast(), SIZE, 0) };
    if bytes <= 0 {
        return Err(bytes);
    }
    Ok(bytes as u32 / size_of::<u64>() as u32)
}

/// A 64-bit hash of what makes a site: its frames, order and gfp flags.
///
/// Frames below the entry of an interrupt belong to whoever was interrupted: a
/// thousand of them are one site, whose record has those of the first.
///
/// Two of a few thousand sites share a value once in 10^12 runs, so the
/// frames are not compared again.
#[inline(always)]
fn key(site: &Site) -> u64 {
    let mut hash = u64::from(site.order) << 32 | u64::from(site.gfp);
    for (i, frame) in site.frames.iter().enumerate() {
        if i as u32 >= site.depth {
            break;
        }
        hash = (hash ^ frame).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash ^= hash >> 32;
        if enters_interrupt(*frame) {
            break;
        }
    }
    hash
}

#[inline(always)]
fn enters_interrupt(address: u64) -> bool {
    // A difference that wraps is far beyond any length.
    address.wrapping_sub(state::IRQ_ENTRY.load()) < state::IRQ_ENTRY_LEN.load()
        || address.wrapping_sub(state::SOFTIRQ_ENTRY.load()) < state::SOFTIRQ_ENTRY_LEN.load()
}

#[inline(always)]
fn known(key: &u64) -> Option<u32> {
    // SAFETY: an entry is never changed or removed while the programs run.
    unsafe { state::SITE_IDS.get(key) }.copied()
}

/// Gives the stack in `scratch` a site of its own.
#[inline(always)]
fn enrol(key: &u64, scratch: &mut Site) -> Option<u32> {
    let id = state::FREE_SITES.pop().ok()??;
    scratch.pid = (bpf_get_current_pid_tgid() >> 32) as u32;
    scratch.comm = bpf_get_current_comm().unwrap_or_default();
    // The record is whole before its id can be found.
    state::SITES.set(id, scratch, 0).ok()?;
    if state::SITE_IDS
        .insert(key, id, u64::from(BPF_NOEXIST))
        .is_ok()
    {
        return Some(id);
    }
    // Another CPU enrolled the same stack in the meantime: use its id and give
    // this one back.
    let _ = state::FREE_SITES.push(id, 0);
    known(key)
}
