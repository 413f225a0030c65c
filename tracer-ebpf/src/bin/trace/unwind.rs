//! From the stack of an allocation to its site: by rules, or by the kernel's unwinder.

use aya_ebpf::{
    EbpfContext,
    bindings::BPF_F_MMAPABLE,
    helpers::{bpf_get_prandom_u32, bpf_get_stack},
    macros::map,
    maps::{Array, PerCpuArray},
};
use aya_log_ebpf::warn;
use tracer_ebpf::{
    BULK, Code, Control, Counters, FIRST_SITE, InterruptCode, MAX_FRAMES, SITE_TABLE_FULL,
    STACK_LOST, Site, SiteKey, UnwindCounters,
    unwind::{Outcome, RuleTable, Rules, Tag, resolve},
};

use crate::{
    config::CONFIG,
    samples,
    sites::{self, Counts},
    stack::OwnStack,
    word::Word,
};

#[map]
static RULES: Array<RuleTable> = Array::with_max_entries(1, BPF_F_MMAPABLE);

/// Where the kernel unwinds a stack to before its site is known: one per CPU for the
/// tracepoint and one for the bulk allocator, which it can interrupt. A run in the
/// middle of another of the same program keeps away from it (`nesting`).
#[map]
static SCRATCH: PerCpuArray<Site> = PerCpuArray::with_max_entries(2, 0);

/// The id of the allocation's site; a reserved one if it cannot have its own. `order` may
/// be [`BULK`], and `skipped` frames are no part of the key.
///
/// If a task of the tracer runs (`is_own`), only an interrupt on top of it has a site: none
/// if it did not come to an interrupt's stack.
#[inline(always)]
pub(crate) fn site_by_kernel<C: EbpfContext>(
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
    Some(sites::with_key(ctx, key, scratch, counts))
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
    let known = |key| sites::lookup_recent(key, order);
    let found = resolve(&stack, rules(), control, tag, entry, known);
    if let Some(id) = found.site {
        unwinds.hits.add(1);
        if !is_to_be_checked(unwinds) {
            // A reserved id: the table was full when the stack was new.
            if id < FIRST_SITE {
                counts.site_table_full.add(1);
            }
            return id;
        }
    }
    let Some(scratch) = by_kernel(ctx, order, gfp, control.frames_below, counts) else {
        return found.site.unwrap_or(STACK_LOST + order);
    };
    let SiteKey { key, .. } = scratch.key(&interrupts());
    let is_right = match found.site {
        Some(id) => sites::lookup(key).unwrap_or(SITE_TABLE_FULL + order) == id,
        None => found.outcome == Outcome::Complete && found.key == key,
    };
    if found.site.is_some() {
        unwinds.checked.add(1);
        unwinds.mismatched.add(u64::from(!is_right));
    } else {
        unwinds.misses.add(1);
    }
    let id = sites::with_key(ctx, key, scratch, counts);
    if is_right {
        return id;
    }
    entry.invalidate();
    sites::correct_recent(key, id);
    if found.outcome != Outcome::Opaque {
        samples::send(&stack, scratch);
    }
    id
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
    let table = RULES.get_ptr(0)?;
    // SAFETY: a value of a map, which stays while programs run.
    Some(unsafe { Rules::new(table) })
}

/// Has the kernel unwind the stack into this CPU's scratch. The message
/// tells of the first loss on each CPU only: this is the allocator's path.
#[inline(always)]
fn by_kernel<C: EbpfContext>(
    ctx: &C,
    order: u32,
    gfp: u32,
    skipped: u32,
    counts: &Counts,
) -> Option<&'static mut Site> {
    let scratch = SCRATCH.get_ptr_mut(u32::from(order == BULK))?;
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
