//! The site table: from the stack of an allocation to a site id.

use aya_ebpf::{
    EbpfContext,
    bindings::BPF_NOEXIST,
    helpers::{bpf_get_current_comm, bpf_get_current_pid_tgid, bpf_get_prandom_u32, bpf_get_stack},
};
use aya_log_ebpf::warn;
use tracer_ebpf::{
    AllocationCounters, BULK, Code, Control, Counters, FIRST_SITE, InterruptCode, MAX_FRAMES,
    MAX_SITES, SITE_TABLE_FULL, STACK_LOST, Site, SiteKey, UnwindCounters,
    unwind::{Outcome, Rules, Tag, resolve},
};

use crate::{
    samples,
    stack::OwnStack,
    state::{self, CONFIG},
    word::Word,
};

/// The counters of the run that asks for a site.
type Counts = AllocationCounters<Word>;

/// The id of the allocation's site; a reserved one if it cannot have its own. `order` may
/// be [`BULK`], and `skipped` frames are no part of the key.
///
/// If a task of the tracer runs (`is_own`), only an interrupt on top of it has a site: none
/// if it did not come to an interrupt's stack.
#[inline(always)]
pub(crate) fn of<C: EbpfContext>(
    ctx: &C,
    order: u32,
    gfp: u32,
    skipped: u32,
    is_own: bool,
    counts: &Counts,
) -> Option<u32> {
    let Some(scratch) = by_kernel(ctx, order, gfp, skipped, counts) else {
        return (!is_own).then_some(STACK_LOST + order);
    };
    let SiteKey { key, in_interrupt } = scratch.key(&interrupts());
    if is_own && !in_interrupt {
        return None;
    }
    Some(with_key(ctx, key, scratch, counts))
}

/// The id of the site of an allocation whose program has its context on the stack: unwound
/// by rules where there are some.
#[inline(always)]
pub(crate) fn site_from_rules<C: EbpfContext>(
    ctx: &C,
    order: u32,
    gfp: u32,
    counters: &Counters<Word>,
    control: &Control,
) -> u32 {
    let (counts, unwinds) = (&counters.alloc.levels[0], &counters.unwind);
    let Some(stack) = OwnStack::of(ctx.as_ptr()) else {
        return STACK_LOST + order;
    };
    let control = &control.unwind;
    let tag = Tag::new(order, gfp, control.generation);
    // SAFETY: this CPU's own; a run in the middle of this one does not come here (`nesting`).
    let cache = unsafe { &mut *stack.cache };
    let entry = cache.entry(&stack, control.discriminator_offset.into(), tag);
    let known = |key| lookup_recent(key, order);
    let found = resolve(&stack, rules(), control, tag, entry, known);
    if let Some(id) = found.site {
        unwinds.hits.add(1);
        if !is_to_be_checked(unwinds) {
            // A reserved id: the table was full when the stack was new.
            counts.site_table_full.add(u64::from(id < FIRST_SITE));
            return id;
        }
    }
    let Some(scratch) = by_kernel(ctx, order, gfp, control.frames_below, counts) else {
        return found.site.unwrap_or(STACK_LOST + order);
    };
    let SiteKey { key, .. } = scratch.key(&interrupts());
    let is_right = match found.site {
        Some(id) => lookup(key).unwrap_or(SITE_TABLE_FULL + order) == id,
        None => found.outcome == Outcome::Complete && found.key == key,
    };
    if found.site.is_some() {
        unwinds.checked.add(1);
        unwinds.mismatched.add(u64::from(!is_right));
    } else {
        unwinds.misses.add(1);
    }
    if !is_right {
        entry.invalidate();
    }
    if !is_right && found.outcome != Outcome::Opaque {
        samples::send(&stack, scratch);
    }
    with_key(ctx, key, scratch, counts)
}

/// Whether this hit is one of those that the kernel unwinds too: one in `CHECK_EVERY`, drawn
/// by lot, since a load can have any period. Each draws how far away the next one is.
#[inline(always)]
fn is_to_be_checked(unwinds: &UnwindCounters<Word>) -> bool {
    let mut left = unwinds.until_check.get();
    if left == 0 {
        // From 1 to twice the mean less 1, each as likely as the others.
        let lots = 2 * u64::from(CONFIG.get(|it| &it.unwind.check_every)) - 1;
        // SAFETY: the helper takes nothing and gives a number.
        let drawn = u64::from(unsafe { bpf_get_prandom_u32() });
        left = ((drawn * lots) >> u32::BITS) + 1;
    }
    unwinds.until_check.set(left - 1);
    left == 1
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
    skipped: u32,
    counts: &Counts,
) -> Option<&'static mut Site> {
    let scratch = state::SCRATCH.get_ptr_mut(u32::from(order == BULK))?;
    // SAFETY: on this CPU nobody else uses it now. A run in the middle of this one does not
    // come here: see `nesting`, and for the bulk allocator `bulk`.
    let scratch = unsafe { &mut *scratch };
    match frames(ctx, scratch) {
        Ok(depth) => scratch.depth = depth,
        Err(error) => {
            if counts.failed_unwinds.get() == 0 {
                warn!(ctx, "the kernel could not unwind a stack: error {}", error);
            }
            counts.failed_unwinds.add(1);
            return None;
        }
    }
    scratch.skipped = skipped as u16;
    scratch.order = order;
    scratch.gfp = gfp;
    Some(scratch)
}

/// The id of the site with this key, whose stack is in `scratch`.
#[inline(always)]
fn with_key<C: EbpfContext>(ctx: &C, key: u64, scratch: &mut Site, counts: &Counts) -> u32 {
    if let Some(id) = lookup(key).or_else(|| intern(key, scratch)) {
        return id;
    }
    if counts.site_table_full.get() == 0 {
        warn!(ctx, "the site table is full");
    }
    counts.site_table_full.add(1);
    SITE_TABLE_FULL + scratch.order
}

/// Adds 2^order pages to what the site has ever taken; not for a run in the middle of another.
#[inline(always)]
pub(crate) fn count_pages(site: u32, order: u32) {
    if let Some(pages) = state::SITE_PAGES.get(site) {
        pages.add(1 << order);
    }
}

/// Unwinds the kernel stack into the record and gives its depth in frames.
#[inline(always)]
fn frames<C: EbpfContext>(ctx: &C, site: &mut Site) -> Result<u16, i64> {
    const SIZE: u32 = size_of::<[u64; MAX_FRAMES]>() as u32;
    // SAFETY: the buffer is SIZE bytes long.
    let bytes = unsafe { bpf_get_stack(ctx.as_ptr(), site.frames.as_mut_ptr().cast(), SIZE, 0) };
    if bytes <= 0 {
        return Err(bytes);
    }
    Ok((bytes as u32 / size_of::<u64>() as u32) as u16)
}

/// Where interrupts enter the kernel.
#[inline(always)]
fn interrupts() -> InterruptCode {
    InterruptCode {
        irq: Code {
            start: CONFIG.get(|it| &it.interrupts.irq.start),
            len: CONFIG.get(|it| &it.interrupts.irq.len),
        },
        softirq: Code {
            start: CONFIG.get(|it| &it.interrupts.softirq.start),
            len: CONFIG.get(|it| &it.interrupts.softirq.len),
        },
    }
}

/// What a CPU knows of the site table.
#[repr(C)]
pub(crate) struct KnownSites {
    /// Not 0 once this CPU found no free id: from then on a key that is not in the table
    /// never will be.
    is_full: Word,
    /// Sites that were found lately, by the lowest bits of their keys: each word is the
    /// rest of the key with the id of the site below it. Keys that found the table full
    /// have the reserved id.
    recent: [Word; RECENT],
}

/// A power of two.
const RECENT: usize = 2048;

/// Bits of a site id.
const ID_BITS: u32 = MAX_SITES.ilog2();

impl KnownSites {
    #[inline(always)]
    fn word(&self, key: u64) -> &Word {
        &self.recent[key as usize % RECENT]
    }

    #[inline(always)]
    fn remember(&self, key: u64, id: u32) {
        let word = key >> ID_BITS << ID_BITS | u64::from(id);
        self.word(key).set(word);
    }
}

/// The same as [`lookup`], without its search in most cases; once the table is full, the
/// reserved id of the order for all that is not in it.
#[inline(always)]
fn lookup_recent(key: u64, order: u32) -> Option<u32> {
    let known = state::KNOWN_SITES.get(0)?;
    let recent = known.word(key).get();
    if (recent ^ key) >> ID_BITS == 0 {
        return Some(recent as u32 % MAX_SITES);
    }
    let id = match lookup(key) {
        Some(id) => id,
        None if known.is_full.get() != 0 => SITE_TABLE_FULL + order,
        None => return None,
    };
    known.remember(key, id);
    Some(id)
}

#[inline(always)]
fn lookup(key: u64) -> Option<u32> {
    // SAFETY: an entry is never changed or removed while the programs run.
    unsafe { state::SITE_IDS.get(key) }.copied()
}

/// Gives the stack in `scratch` a site of its own.
#[inline(always)]
fn intern(key: u64, scratch: &mut Site) -> Option<u32> {
    let known = state::KNOWN_SITES.get(0)?;
    if known.is_full.get() != 0 {
        return None;
    }
    let Some(id) = state::FREE_SITES.pop().ok()? else {
        known.is_full.set(1);
        return None;
    };
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
    // Another CPU interned the same stack in the meantime: use its id and give
    // this one back.
    let _ = state::FREE_SITES.push(id, 0);
    lookup(key)
}
