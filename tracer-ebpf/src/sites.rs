//! The site table: from the stack of an allocation to a site id.

use aya_ebpf::{
    EbpfContext,
    bindings::BPF_NOEXIST,
    helpers::{bpf_get_current_comm, bpf_get_current_pid_tgid, bpf_get_stack},
};
use aya_log_ebpf::warn;
use tracer_ebpf::{
    AllocationTally, BULK, Control, MAX_FRAMES, MAX_SITES, SITE_TABLE_FULL, STACK_LOST, Site,
    Tally,
    key::{mix, seed},
    unwind::{Outcome, Rules, Tag, resolve},
};

use crate::{samples, stack::OwnStack, state};

/// The id of the allocation's site; a reserved one if it cannot have its own.
/// `order` may be [`BULK`].
#[inline(always)]
pub(crate) fn of<C: EbpfContext>(
    ctx: &C,
    order: u32,
    gfp: u32,
    tally: &mut AllocationTally,
) -> u32 {
    let Some(scratch) = by_kernel(ctx, order, gfp, tally) else {
        return STACK_LOST + order;
    };
    let key = key(scratch, 0);
    with_key(ctx, &key, scratch, tally)
}

/// The same for a program whose context lies on the stack: unwound by rules where there
/// are some.
#[inline(always)]
pub(crate) fn site_from_rules<C: EbpfContext>(
    ctx: &C,
    order: u32,
    gfp: u32,
    tally: &mut Tally,
    control: &Control,
) -> u32 {
    let (tally, counters) = (&mut tally.alloc, &mut tally.templates);
    let Some(stack) = OwnStack::of(ctx.as_ptr()) else {
        return of(ctx, order, gfp, tally);
    };
    let control = control.unwind;
    let tag = Tag::new(order, gfp, control.generation);
    // SAFETY: this CPU's own, and no program runs inside itself.
    let cache = unsafe { &mut *stack.cache };
    let entry = cache.entry(&stack, control.discriminator_offset.into(), tag);
    let found = resolve(&stack, rules(), &control, tag, entry, known_recently);
    if let Some(id) = found.site {
        counters.hits += 1;
        counters.since_check += 1;
        if counters.since_check < state::CHECK_EVERY.load() {
            return id;
        }
        counters.since_check = 0;
    }
    let Some(scratch) = by_kernel(ctx, order, gfp, tally) else {
        return found.site.unwrap_or(STACK_LOST + order);
    };
    let key = key(scratch, control.frames_below);
    let is_right = match found.site {
        Some(id) => known(&key) == Some(id),
        None => found.outcome == Outcome::Complete && found.key == key,
    };
    if found.site.is_some() {
        counters.checked += 1;
        counters.mismatched += u64::from(!is_right);
    } else {
        counters.misses += 1;
    }
    if !is_right {
        entry.invalidate();
    }
    if !is_right && found.outcome != Outcome::Opaque {
        samples::send(&stack, scratch);
    }
    with_key(ctx, &key, scratch, tally)
}

/// The unwind rules that user space has learned so far.
#[inline(always)]
fn rules() -> Option<Rules<'static>> {
    let table = state::RULES.get_ptr(0)?;
    // SAFETY: a value of a map, which stays while programs run.
    Some(unsafe { Rules::new(table) })
}

/// Has the kernel unwind the stack into this CPU's scratch. Messages, here and
/// below, tell of the first loss on each CPU only: this is the allocator's path.
#[inline(always)]
fn by_kernel<C: EbpfContext>(
    ctx: &C,
    order: u32,
    gfp: u32,
    tally: &mut AllocationTally,
) -> Option<&'static mut Site> {
    let scratch = state::SCRATCH.get_ptr_mut(u32::from(order == BULK))?;
    // SAFETY: this program's own record on this CPU, and none runs inside itself.
    let scratch = unsafe { &mut *scratch };
    match frames(ctx, scratch) {
        Ok(depth) => scratch.depth = depth,
        Err(error) => {
            if tally.failed_unwinds == 0 {
                warn!(ctx, "the kernel could not unwind a stack: error {}", error);
            }
            tally.failed_unwinds += 1;
            return None;
        }
    }
    scratch.order = order;
    scratch.gfp = gfp;
    Some(scratch)
}

/// The id of the site with this key, whose stack is in `scratch`.
#[inline(always)]
fn with_key<C: EbpfContext>(
    ctx: &C,
    key: &u64,
    scratch: &mut Site,
    tally: &mut AllocationTally,
) -> u32 {
    if let Some(id) = known(key).or_else(|| enrol(key, scratch)) {
        return id;
    }
    if tally.site_table_full == 0 {
        warn!(ctx, "the site table is full");
    }
    tally.site_table_full += 1;
    SITE_TABLE_FULL + scratch.order
}

/// Adds 2^order pages to what the site has ever taken.
#[inline(always)]
pub(crate) fn count_pages(site: u32, order: u32) {
    if let Some(pages) = state::SITE_PAGES.get_ptr_mut(site) {
        // SAFETY: this CPU's own counter.
        unsafe { *pages += 1 << order };
    }
}

/// More than the frames that a tracer has of its own: a power of two.
const MOST_SKIPPED: usize = 8;

/// Unwinds the kernel stack into the record and gives its depth in frames.
#[inline(always)]
fn frames<C: EbpfContext>(ctx: &C, site: &mut Site) -> Result<u32, i64> {
    const SIZE: u32 = size_of::<[u64; MAX_FRAMES]>() as u32;
    // SAFETY: the buffer is SIZE bytes long.
    let bytes = unsafe { bpf_get_stack(ctx.as_ptr(), site.frames.as_mut_ptr().cast(), SIZE, 0) };
    if bytes <= 0 {
        return Err(bytes);
    }
    Ok(bytes as u32 / size_of::<u64>() as u32)
}

/// A 64-bit hash of what makes a site: its frames, order and gfp flags. The
/// first `skipped` frames are the tracer's own. Of stacks as deep as a record, the
/// outermost eight do not count.
///
/// Frames below the entry of an interrupt belong to whoever was interrupted: a
/// thousand of them are one site, whose record has those of the first.
///
/// Two of a few thousand sites share a value once in 10^12 runs, so the
/// frames are not compared again.
#[inline(always)]
fn key(site: &Site, skipped: u32) -> u64 {
    let mut key = seed(site.order, site.gfp);
    // A pointer that moved once, where a comparison in each turn of the loop would
    // have the verifier follow every number of skipped frames through all of it.
    let skipped = skipped as usize % MOST_SKIPPED;
    let frames = site.frames.as_ptr().wrapping_add(skipped);
    for i in 0..MAX_FRAMES - MOST_SKIPPED {
        if (i + skipped) as u32 >= site.depth {
            break;
        }
        // SAFETY: below `MAX_FRAMES`.
        let frame = unsafe { frames.wrapping_add(i).read() };
        key = mix(key, frame);
        if enters_interrupt(frame) {
            break;
        }
    }
    key
}

#[inline(always)]
fn enters_interrupt(address: u64) -> bool {
    // A difference that wraps is far beyond any length.
    address.wrapping_sub(state::IRQ_ENTRY.load()) < state::IRQ_ENTRY_LEN.load()
        || address.wrapping_sub(state::SOFTIRQ_ENTRY.load()) < state::SOFTIRQ_ENTRY_LEN.load()
}

/// Sites that were found lately, by the lowest bits of their keys: each word is the
/// rest of the key with the id of the site below it.
pub(crate) type RecentSites = [u64; RECENT];

/// A power of two.
const RECENT: usize = 2048;

/// Bits of a site id.
const ID_BITS: u32 = MAX_SITES.ilog2();

/// The same as [`known`], without its search in most cases.
#[inline(always)]
fn known_recently(key: u64) -> Option<u32> {
    let words = state::RECENT_SITES.get_ptr_mut(0)?.cast::<u64>();
    let word = words.wrapping_add(key as usize % RECENT);
    // SAFETY: within this CPU's own array.
    let recent = unsafe { word.read() };
    if (recent ^ key) >> ID_BITS == 0 {
        return Some(recent as u32 % MAX_SITES);
    }
    let id = known(&key)?;
    // SAFETY: as above.
    unsafe { word.write(key >> ID_BITS << ID_BITS | u64::from(id)) };
    Some(id)
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
