//! What each CPU remembers of the stacks that it unwound by templates last.
//!
//! As long as templates stay the same, where such a walk leads depends on nothing
//! but the words that it reads. If each of them is there again, in its place, it
//! leads to the same site. To look for them takes no template, and no word has to
//! be waited for to find the next.

use tracer_ebpf::{STACK_SIZE, registers};

use crate::stack::Stack;

/// Most return addresses of a walk that is remembered.
const MOST: usize = 32;

/// How many walks each CPU remembers, a power of two.
const WALKS: usize = 64;

/// The walks that a CPU remembers.
pub(crate) type Walks = [Walk; WALKS];

/// One walk.
#[repr(C)]
pub(crate) struct Walk {
    /// What it holds for: order, gfp flags and templates.
    terms: u64,
    /// The return address beyond the frame of a random size.
    anchor_word: u64,
    /// The site that it led to; 0 for a walk to be forgotten.
    site: u32,
    /// How many of `words` there are.
    len: u16,
    /// Where the return address beyond lies in its stack; 0 if there is none.
    anchor: u16,
    /// The return addresses on this side.
    words: [u64; MOST],
    /// How far above the context each of `words` lies.
    places: [u16; MOST],
    /// Where a user's code segment lies, counted as the last return address is; 0 if none does.
    segment: u16,
    /// How many return addresses lie beyond a frame of a random size.
    anchored: u16,
    /// How often its way hung on a word that is not one of these.
    turns: u16,
    unused: u16,
}

const _: () = assert!(size_of::<Walk>() == 352);

/// What a walk holds for that was made with these templates.
#[inline(always)]
pub(crate) fn terms(seed: u64, revision: u32) -> u64 {
    // Above the order, which is above the gfp flags.
    seed | u64::from(revision) << 40
}

/// The walk that this CPU remembers of stacks like this one, which have the same
/// word so many bytes above the context.
#[inline(always)]
pub(crate) fn of(stack: &Stack, parting: u64, terms: u64) -> &'static mut Walk {
    let hash = (stack.word(parting) ^ terms << 24).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let walks = stack.walks.cast::<Walk>();
    let walk = walks.wrapping_add((hash >> 32) as usize % WALKS);
    // SAFETY: this CPU's own, and no program runs inside itself.
    unsafe { &mut *walk }
}

impl Walk {
    /// The site of the stack, if it is the one that was walked.
    #[inline(always)]
    pub(crate) fn recall(&self, stack: &Stack, terms: u64) -> Option<u32> {
        let mut differences = self.terms ^ terms;
        for i in 0..MOST {
            if i >= usize::from(self.len) {
                break;
            }
            differences |= stack.word(self.places[i].into()) ^ self.words[i];
        }
        let mut base = 0;
        if self.anchor != 0 {
            base = stack.context;
            let place = u64::from(self.anchor).wrapping_sub(base) & (STACK_SIZE - 1);
            differences |= stack.word(place) ^ self.anchor_word;
        }
        if self.segment != 0 {
            let place = u64::from(self.segment).wrapping_sub(base) & (STACK_SIZE - 1);
            differences |= !stack.word(place) & registers::USER;
        }
        (differences == 0 && self.site != 0).then_some(self.site)
    }

    /// Forgets what it was, to be another.
    #[inline(always)]
    pub(crate) fn begin(&mut self, terms: u64) {
        self.terms = terms;
        self.site = 0;
        self.len = 0;
        self.anchor = 0;
        self.segment = 0;
        self.anchored = 0;
        self.turns = 0;
    }

    /// Adds a return address that lies `place` bytes above the context.
    #[inline(always)]
    pub(crate) fn add(&mut self, place: u64, word: u64) {
        let len = &raw mut self.len;
        // SAFETY: a field. Its value is read anew each time, for the verifier would
        // follow every value that it could have; nor is there a choice here, for it
        // would follow every choice.
        let at = unsafe { len.read_volatile() };
        self.places[usize::from(at) % MOST] = place as u16;
        self.words[usize::from(at) % MOST] = word;
        // SAFETY: as above.
        unsafe { len.write_volatile(at + 1) };
    }

    /// Adds the return address at `place` of the stack.
    #[inline(always)]
    pub(crate) fn add_anchored(&mut self, place: u16, word: u64) {
        self.anchored += 1;
        self.anchor = place;
        self.anchor_word = word;
    }

    /// It ends at a user, whose code segment lies `place` bytes above the context.
    #[inline(always)]
    pub(crate) fn end_at_user(&mut self, stack: &Stack, place: u64) {
        let base = if self.anchor != 0 { stack.context } else { 0 };
        self.segment = (place.wrapping_add(base) & (STACK_SIZE - 1)) as u16;
    }

    /// So many times its way hangs on another word: it will not be remembered.
    #[inline(always)]
    pub(crate) fn turn(&mut self, times: u16) {
        self.turns += times;
    }

    /// It led to this site.
    #[inline(always)]
    pub(crate) fn remember(&mut self, site: u32) {
        if usize::from(self.len) <= MOST && self.anchored <= 1 && self.turns == 0 {
            self.site = site;
        }
    }

    /// It led to a wrong one.
    #[inline(always)]
    pub(crate) fn forget(&mut self) {
        self.site = 0;
    }
}
