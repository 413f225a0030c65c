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
    BULK, Code, FIRST_SITE, InterruptCode, MAX_FRAMES, SITE_TABLE_FULL, STACK_LOST, Site, SiteKey,
    UnwindCounters,
    unwind::{
        CacheEntry, Outcome, Resolution, RuleTable, Rules, Tag, UnwindControl, Unwound,
        follow_records, resolve,
    },
    unwinding,
};

use crate::{
    config::CONFIG,
    samples,
    sites::{self, Counts},
    stack::OwnStack,
    takers,
    word::Word,
};

#[map]
static RULES: Array<RuleTable> = Array::with_max_entries(1, BPF_F_MMAPABLE);

/// Where the kernel unwinds a stack to before its site is known: one per CPU for the
/// tracepoint and one for the bulk allocator, which it can interrupt. A run in the
/// middle of another of the same program keeps away from it (`nesting`).
#[map]
static SCRATCH: PerCpuArray<Site> = PerCpuArray::with_max_entries(2, 0);

/// An allocation whose site is asked for.
pub(crate) struct Request<'a, C> {
    pub(crate) ctx: &'a C,
    /// The order, or [`BULK`].
    pub(crate) order: u32,
    pub(crate) gfp: u32,
    /// How many of the innermost frames are no part of the key.
    pub(crate) skipped: u32,
    /// The counters of the run that asks.
    pub(crate) counts: &'a Counts,
}

impl<C: EbpfContext> Request<'_, C> {
    /// The id of the site, by the kernel's unwinder; a reserved one if it cannot have its own.
    ///
    /// If a task of the tracer runs (`is_own`), only an interrupt on top of it has a site: none
    /// if it did not come to an interrupt's stack.
    #[inline(always)]
    pub(crate) fn site_by_kernel(&self, is_own: bool) -> Option<u32> {
        let Some(scratch) = self.unwind(takers::current()) else {
            return (!is_own).then_some(self.stack_lost());
        };
        let SiteKey { key, in_interrupt } = recorded_key(scratch);
        if is_own && !in_interrupt {
            return None;
        }
        Some(sites::with_key(self.ctx, key, scratch, self.counts))
    }

    /// The same for a program whose context lies on the stack: without the kernel's unwinder where the
    /// stack is known.
    #[inline(always)]
    pub(crate) fn site_from_stack(
        &self,
        control: &UnwindControl,
        unwinds: &UnwindCounters<Word>,
    ) -> u32 {
        let Some(stack) = OwnStack::of(self.ctx.as_ptr()) else {
            return self.stack_lost();
        };
        let tag = Tag::new(self.order, self.gfp, control.generation);
        // Asked for once, which is what most allocations pay for.
        let (tag, taker) = if takers::are_told_apart() {
            let taker = takers::current();
            (tag.of_taker(taker), taker)
        } else {
            (tag, 0)
        };
        let (found, entry) = if CONFIG.get(|it| &it.unwind.by) == unwinding::RECORDS {
            (self.by_records(&stack, control, tag, taker), None)
        } else {
            // SAFETY: this CPU's own; a run in the middle of this one does not come here (`nesting`).
            let cache = unsafe { &mut *stack.cache };
            let entry = cache.entry(&stack, control.discriminator_offset.into(), tag);
            let site_key = |key, entry: &_| unwound_key(key, entry, taker);
            let known = |key| sites::lookup_recent(key, self.order);
            let found = resolve(&stack, rules(), control, tag, entry, site_key, known);
            (found, Some(entry))
        };
        if let Some(id) = found.site {
            unwinds.hits.add(1);
            if !is_to_be_checked(unwinds) {
                // A reserved id: the table was full when the stack was new.
                if id < FIRST_SITE {
                    self.counts.site_table_full.add(1);
                }
                return id;
            }
        }
        let Some(scratch) = self.unwind(taker) else {
            return found.site.unwrap_or(self.stack_lost());
        };
        let SiteKey { key, .. } = recorded_key(scratch);
        let is_right = self.is_right(found, key);
        count(unwinds, found, is_right);
        let id = sites::with_key(self.ctx, key, scratch, self.counts);
        if is_right {
            return id;
        }
        if let Some(entry) = entry {
            entry.invalidate();
        }
        sites::correct_recent(key, id);
        if found.outcome != Outcome::Opaque {
            samples::send(&stack, scratch);
        }
        id
    }

    /// What the frame records of a stack say.
    #[inline(always)]
    fn by_records(
        &self,
        stack: &OwnStack,
        control: &UnwindControl,
        tag: Tag,
        taker: u64,
    ) -> Resolution {
        let known = |key| sites::lookup_recent(key, self.order);
        if control.first_return == 0 {
            return Resolution::of(Unwound::NOTHING, known);
        }
        let registers = CONFIG.get(|it| &it.unwind.registers);
        let first = control.first_return.into();
        let found = follow_records(stack, first, registers, &interrupts(), tag.seed());
        let Unwound { key, outcome } = found.unwound;
        let in_interrupt = found.in_interrupt;
        let SiteKey { key, .. } = with_taker(SiteKey { key, in_interrupt }, taker);
        Resolution::of(Unwound { key, outcome }, known)
    }

    /// Whether the rules led where the kernel's unwinder did, which is to this key.
    #[inline(always)]
    fn is_right(&self, found: Resolution, key: u64) -> bool {
        match found.site {
            Some(id) => sites::lookup(key).unwrap_or(SITE_TABLE_FULL + self.order) == id,
            None => found.outcome == Outcome::Complete && found.key == key,
        }
    }

    #[inline(always)]
    fn stack_lost(&self) -> u32 {
        STACK_LOST + self.order
    }

    /// Has the kernel unwind the stack of a taker into this CPU's scratch. The message tells of the
    /// first loss on each CPU only: this is the allocator's path.
    #[inline(always)]
    fn unwind(&self, taker: u64) -> Option<&'static mut Site> {
        let scratch = SCRATCH.get_ptr_mut(u32::from(self.order == BULK))?;
        // SAFETY: on this CPU nobody else uses it now. A run in the middle of this one does not
        // come here: see `nesting`, and for the bulk allocator `bulk`.
        let scratch = unsafe { &mut *scratch };
        match frames(self.ctx, scratch) {
            Ok(depth) => scratch.depth = depth,
            Err(error) => {
                if self.counts.failed_unwinds.get() == 0 {
                    warn!(
                        self.ctx,
                        "the kernel could not unwind a stack: error {}", error
                    );
                }
                self.counts.failed_unwinds.add(1);
                return None;
            }
        }
        if takers::are_told_apart() {
            scratch.taker = taker;
        }
        scratch.skipped = self.skipped as u16;
        scratch.order = self.order;
        scratch.gfp = self.gfp;
        Some(scratch)
    }
}

/// The key of the site whose stack the kernel unwound.
#[inline(always)]
fn recorded_key(scratch: &Site) -> SiteKey {
    with_taker(scratch.key(&interrupts()), scratch.taker)
}

/// The key of what this taker took by a stack, if takers are told apart.
#[inline(always)]
fn with_taker(key: SiteKey, taker: u64) -> SiteKey {
    if takers::are_told_apart() {
        key.of_taker(taker)
    } else {
        key
    }
}

/// The key of the site whose stack has this key by the rules, and its words in the entry.
#[inline(always)]
fn unwound_key(key: u64, entry: &CacheEntry, taker: u64) -> u64 {
    if !takers::are_told_apart() {
        return key;
    }
    let in_interrupt = interrupts().contains(entry.last());
    SiteKey { key, in_interrupt }.of_taker(taker).key
}

/// Counts a stack that the kernel unwound.
#[inline(always)]
fn count(unwinds: &UnwindCounters<Word>, found: Resolution, is_right: bool) {
    if found.site.is_some() {
        unwinds.checked.add(1);
        unwinds.mismatched.add(u64::from(!is_right));
    } else {
        unwinds.misses.add(1);
    }
}

/// Whether this hit is one of those that the kernel unwinds too: one in `check_every`, drawn
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
    let irq = |piece: usize| Code {
        start: CONFIG.get(|it| &it.interrupts.irq[piece].start),
        len: CONFIG.get(|it| &it.interrupts.irq[piece].len),
    };
    InterruptCode {
        irq: [irq(0), irq(1), irq(2)],
        softirq: Code {
            start: CONFIG.get(|it| &it.interrupts.softirq.start),
            len: CONFIG.get(|it| &it.interrupts.softirq.len),
        },
    }
}
