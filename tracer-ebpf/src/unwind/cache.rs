//! The unwind cache of a CPU: the stacks that it resolved last.
//!
//! While rules stay the same, an unwind depends on nothing but the words that it reads. An
//! entry keeps these, each with its offset, and the call site. If a stack has the same
//! words there, it has the same site. That takes no rule, and no word has to be loaded to
//! know where the next one lies.

use super::{STACK_SIZE, Stack, registers};
use crate::key::{hash, seed};

/// Most return addresses of an entry, a power of two.
const WORDS: usize = 32;

/// Entries of a cache, a power of two.
const ENTRIES: usize = 64;

/// What entries hold for beside the words of the stack: order, gfp flags, the generation of the
/// rules, and the taker if takers are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The key of a stack without frames.
    seed: u64,
    /// What an entry keeps.
    word: u64,
}

impl Tag {
    /// Where the generation begins: above the order, which is above the gfp flags.
    const GENERATION: u32 = 40;

    /// The tag of an allocation.
    #[inline(always)]
    pub const fn new(order: u32, gfp: u32, generation: u32) -> Self {
        let seed = seed(order, gfp);
        Self {
            seed,
            word: seed | (generation as u64) << Self::GENERATION,
        }
    }

    /// The tag of an allocation by one taker. No two takers share a hash, so the same allocation
    /// by another never has it; a different one as seldom as two sites have one key.
    #[inline(always)]
    #[must_use]
    pub const fn of_taker(self, taker: u64) -> Self {
        Self {
            seed: self.seed,
            word: self.word ^ hash(taker),
        }
    }

    /// The key of a stack without frames.
    #[inline(always)]
    pub const fn seed(self) -> u64 {
        self.seed
    }
}

/// The unwind cache of one CPU.
#[repr(C)]
pub struct UnwindCache([CacheEntry; ENTRIES]);

impl UnwindCache {
    /// A cache without a valid entry: all zero, as the kernel makes a map's values.
    pub const EMPTY: Self = Self([const { CacheEntry::EMPTY }; ENTRIES]);

    /// The entry for stacks like this one, which have the same word at the offset
    /// `discriminator`.
    #[inline(always)]
    pub fn entry(&mut self, stack: &impl Stack, discriminator: u64, tag: Tag) -> &mut CacheEntry {
        let hash = hash(stack.word(discriminator) ^ tag.word << 24);
        &mut self.0[(hash >> 32) as usize % ENTRIES]
    }
}

/// One resolved stack.
///
/// While a stack is unwound, the entry takes the words that are read: `start`,
/// then the words, then `insert` if the site is found.
#[repr(C)]
pub struct CacheEntry {
    /// That of a [`Tag`].
    tag: u64,
    /// The anchored return address.
    anchored_word: u64,
    /// The call site; 0 for an invalid entry.
    site: u32,
    /// How many of `words` there are.
    len: u16,
    /// How far above the start of the stack the anchored return address lies, in bytes; 0 if
    /// there is none.
    anchor: u16,
    /// The return addresses that are not anchored.
    words: [u64; WORDS],
    /// How far above the context each of `words` lies, in bytes.
    offsets: [u16; WORDS],
    /// Where a user's code segment lies: above the start of the stack if there is an anchored
    /// return address, or else above the context; 0 if the stack does not end in user mode.
    user_segment: u16,
    /// How many anchored return addresses there are.
    anchored: u16,
    /// How many words the unwind depended on that an entry cannot keep.
    uncacheable: u16,
    unused: u16,
}

const _: () = assert!(size_of::<CacheEntry>() == 352);

impl CacheEntry {
    const EMPTY: Self = Self {
        tag: 0,
        anchored_word: 0,
        site: 0,
        len: 0,
        anchor: 0,
        words: [0; WORDS],
        offsets: [0; WORDS],
        user_segment: 0,
        anchored: 0,
        uncacheable: 0,
        unused: 0,
    };

    /// The site of the stack, if this is its entry.
    #[inline(always)]
    pub(super) fn lookup(&self, stack: &impl Stack, tag: Tag) -> Option<u32> {
        let mut differences = self.tag ^ tag.word;
        for i in 0..WORDS {
            if i >= usize::from(self.len) {
                break;
            }
            differences |= stack.word(self.offsets[i].into()) ^ self.words[i];
        }
        let mut base = 0;
        if self.anchor != 0 {
            base = stack.context();
            differences |= stack.word(offset_from(base, self.anchor)) ^ self.anchored_word;
        }
        if self.user_segment != 0 {
            let segment = stack.word(offset_from(base, self.user_segment));
            differences |= !segment & registers::USER;
        }
        (differences == 0 && self.site != 0).then_some(self.site)
    }

    /// Empties the entry for another stack.
    #[inline(always)]
    pub(super) fn start(&mut self, tag: Tag) {
        self.tag = tag.word;
        self.site = 0;
        self.len = 0;
        self.anchor = 0;
        self.user_segment = 0;
        self.anchored = 0;
        self.uncacheable = 0;
    }

    /// Adds a return address.
    #[inline(always)]
    pub(super) fn push(&mut self, offset: u64, word: u64) {
        let len = &raw mut self.len;
        // SAFETY: a field. Its value is read anew each time, for the kernel's verifier would
        // follow every value that it could have; nor is there a choice here, for it would
        // follow every choice.
        let at = unsafe { len.read_volatile() };
        self.offsets[usize::from(at) % WORDS] = offset as u16;
        self.words[usize::from(at) % WORDS] = word;
        // SAFETY: as above.
        unsafe { len.write_volatile(at + 1) };
    }

    /// Adds the anchored return address.
    #[inline(always)]
    pub(super) fn push_anchored(&mut self, anchor: u16, word: u64) {
        self.anchored += 1;
        self.anchor = anchor;
        self.anchored_word = word;
    }

    /// Notes that the stack ends in user mode if the code segment at this offset says so.
    #[inline(always)]
    pub(super) fn end_in_user_mode(&mut self, stack: &impl Stack, segment: u64) {
        let base = if self.anchor != 0 { stack.context() } else { 0 };
        self.user_segment = (segment.wrapping_add(base) & (STACK_SIZE - 1)) as u16;
    }

    /// Notes that the unwind depends on so many words that an entry does not keep.
    #[inline(always)]
    pub(super) fn mark_uncacheable(&mut self, words: u16) {
        self.uncacheable += words;
    }

    /// Makes it the entry of the stack whose words were added, unless an entry cannot hold it.
    #[inline(always)]
    pub(super) fn insert(&mut self, site: u32) {
        if usize::from(self.len) <= WORDS && self.anchored <= 1 && self.uncacheable == 0 {
            self.site = site;
        }
    }

    /// The return address that was added last, an anchored one aside: the entry of an interrupt, if
    /// the stack is one's, for nothing is added behind that.
    #[inline(always)]
    pub fn last(&self) -> u64 {
        self.words[usize::from(self.len.wrapping_sub(1)) % WORDS]
    }

    /// Has the stack unwound again when it comes next.
    #[inline(always)]
    pub fn invalidate(&mut self) {
        self.site = 0;
    }
}

/// The offset above the context of what lies `place` bytes above `base`.
#[inline(always)]
fn offset_from(base: u64, place: u16) -> u64 {
    u64::from(place).wrapping_sub(base) & (STACK_SIZE - 1)
}
