//! What each CPU remembers of the stacks that it unwound by templates last.
//!
//! Where such a walk leads depends on nothing but the words that it reads. If each
//! of them is there again, in its place, it leads to the same site. To look for
//! them takes no template, and no word has to be waited for to find the next.

use tracer_ebpf::{STACK_SIZE, registers};

use crate::{stack::Stack, state};

/// Most return addresses of a walk that is remembered.
const MOST: usize = 32;

/// How many walks each CPU remembers, a power of two.
pub(crate) const WALKS: u32 = 256;

/// One walk.
#[repr(C)]
pub(crate) struct Walk {
    /// What the key of its site was made from before the first return address.
    seed: u64,
    /// The return address beyond the frame of a random size.
    anchor_word: u64,
    /// The site that it led to; 0 for a walk to be forgotten.
    site: u32,
    /// How many return addresses lie on this side of that.
    len: u16,
    /// Where the one beyond lies in its stack; 0 if there is none.
    anchor: u16,
    words: [u64; MOST],
    /// How far above the context each of `words` lies.
    places: [u16; MOST],
    /// Where a user's code segment lies, counted as the last return address is; 0 if none does.
    segment: u16,
    /// How many there are that lie beyond a frame of a random size.
    anchored: u16,
    /// How often it went on with what was interrupted.
    interrupted: u16,
    unused: u16,
}

const _: () = assert!(size_of::<Walk>() == 352);

/// The walk that this CPU remembers for stacks like this one.
#[inline(always)]
pub(crate) fn of(stack: &Stack, parting: u64, seed: u64) -> Option<&'static mut Walk> {
    let hash = (stack.word(parting) ^ seed << 24).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let walk = state::WALKS.get_ptr_mut((hash >> 32) as u32 % WALKS)?;
    // SAFETY: this CPU's own, and no program runs inside itself.
    Some(unsafe { &mut *walk })
}

impl Walk {
    /// The site of the stack, if it is the one that was walked.
    #[inline(always)]
    pub(crate) fn recall(&self, stack: &Stack, seed: u64) -> Option<u32> {
        let mut differences = self.seed ^ seed;
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
    pub(crate) fn begin(&mut self, seed: u64) {
        self.seed = seed;
        self.site = 0;
        self.len = 0;
        self.anchor = 0;
        self.segment = 0;
        self.anchored = 0;
        self.interrupted = 0;
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

    /// It goes on with what was interrupted, and will not be remembered.
    #[inline(always)]
    pub(crate) fn interrupt(&mut self) {
        self.interrupted += 1;
    }

    /// It led to this site.
    #[inline(always)]
    pub(crate) fn remember(&mut self, site: u32) {
        if usize::from(self.len) <= MOST && self.anchored <= 1 && self.interrupted == 0 {
            self.site = site;
        }
    }

    /// It led to a wrong one.
    #[inline(always)]
    pub(crate) fn forget(&mut self) {
        self.site = 0;
    }
}
