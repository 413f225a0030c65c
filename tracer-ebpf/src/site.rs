//! The record of a call site, and the key that it is found by.

use crate::key::{mix, seed};

/// Return addresses kept per stack. The kernel's own limit
/// (`kernel.perf_event_max_stack`) is 127 by default; four fewer make a
/// [`Site`] exactly 1024 bytes.
pub const MAX_FRAMES: usize = 123;

/// Length of a task's name, the terminating zero included (`TASK_COMM_LEN`).
pub const COMM_LEN: usize = 16;

/// One more than the most frames of its own that a tracer has on a stack: a power of two.
pub const SKIPPED_FRAMES: usize = 8;

/// A call site: one kernel stack that took pages with one order and one set of gfp flags, and
/// one [taker](crate::taker) if these are told apart.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Site {
    /// Return addresses, innermost first; the first few belong to the tracer itself.
    pub frames: [u64; MAX_FRAMES],
    /// Who took the pages, if that is part of the key; in an interrupt, whoever it came on top of.
    pub taker: u64,
    /// How many of `frames` are valid.
    pub depth: u16,
    /// How many of `frames` are the tracer's own and no part of the key, less than
    /// [`SKIPPED_FRAMES`].
    pub skipped: u16,
    /// The order of every allocation of this site, or [`BULK`](crate::BULK).
    pub order: u32,
    /// The gfp flags of every allocation of this site, in the running kernel's values.
    pub gfp: u32,
    /// Process id (`tgid`, in the initial pid namespace) of the task that came here first.
    pub pid: u32,
    /// Name of the task that came here first, zero-terminated.
    pub comm: [u8; COMM_LEN],
}

/// The key of a site, and what was learned on the way to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteKey {
    /// A hash of the order, the gfp flags and the frames, and of the taker if there is one.
    pub key: u64,
    /// Whether the stack is that of an interrupt, on top of whatever ran.
    pub in_interrupt: bool,
}

/// The code that interrupts enter the kernel by, as return addresses on a stack show it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InterruptCode {
    /// Of interrupts themselves, in so many pieces.
    pub irq: [Code; IRQ_PIECES],
    /// Of softirqs.
    pub softirq: Code,
}

/// In how many places interrupts enter the kernel at most: on arm64 those that come on top of the
/// kernel, of a user's program, and of a user's program of 32 bits.
pub const IRQ_PIECES: usize = 3;

/// A range of addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// The first address.
    pub start: u64,
    /// Bytes; 0 for no address at all.
    pub len: u64,
}

impl InterruptCode {
    /// No code.
    pub const NONE: Self = Self {
        irq: [Code::NONE; IRQ_PIECES],
        softirq: Code::NONE,
    };

    /// Whether an interrupt entered the kernel at this return address.
    #[inline(always)]
    pub const fn contains(&self, address: u64) -> bool {
        // Pieces without code are known to the kernel's verifier, which removes their tests.
        self.irq[0].contains(address)
            || self.irq[1].contains(address)
            || self.irq[2].contains(address)
            || self.softirq.contains(address)
    }
}

impl Code {
    /// No address.
    pub const NONE: Self = Self { start: 0, len: 0 };

    #[inline(always)]
    const fn contains(&self, address: u64) -> bool {
        // A difference that wraps is far beyond any length.
        address.wrapping_sub(self.start) < self.len
    }
}

impl SiteKey {
    /// The key of what one taker took by this stack. An interrupt takes nothing for whoever it
    /// came on top of.
    #[inline(always)]
    #[must_use]
    pub const fn of_taker(self, taker: u64) -> Self {
        if self.in_interrupt {
            return self;
        }
        Self {
            key: mix(self.key, taker),
            in_interrupt: false,
        }
    }
}

impl Site {
    /// The key of what is recorded but for the taker. Of stacks as deep as a record, the outermost
    /// [`SKIPPED_FRAMES`] do not count.
    ///
    /// Frames below the entry of an interrupt belong to whoever was interrupted: a
    /// thousand of them are one site, whose record has those of the first.
    #[inline(always)]
    pub fn key(&self, interrupts: &InterruptCode) -> SiteKey {
        let mut key = seed(self.order, self.gfp);
        let mut in_interrupt = false;
        // A pointer that moved once, where a comparison in each turn of the loop would
        // have the verifier follow every number of skipped frames through all of it.
        let skipped = usize::from(self.skipped) % SKIPPED_FRAMES;
        let frames = self.frames.as_ptr().wrapping_add(skipped);
        for i in 0..MAX_FRAMES - SKIPPED_FRAMES {
            if i + skipped >= usize::from(self.depth) {
                break;
            }
            // SAFETY: `i + skipped` is less than `MAX_FRAMES`.
            let frame = unsafe { frames.wrapping_add(i).read() };
            key = mix(key, frame);
            if interrupts.contains(frame) {
                in_interrupt = true;
                break;
            }
        }
        SiteKey { key, in_interrupt }
    }
}

const _: () = assert!(size_of::<Site>() == 1024);

#[cfg(test)]
mod tests {
    use super::*;

    const INTERRUPTS: InterruptCode = InterruptCode {
        irq: [
            Code {
                start: 0x1000,
                len: 0x100,
            },
            Code::NONE,
            Code::NONE,
        ],
        softirq: Code::NONE,
    };

    fn site(frames: &[u64]) -> Site {
        let mut site = Site {
            frames: [0; MAX_FRAMES],
            taker: 0,
            depth: frames.len() as u16,
            skipped: 0,
            order: 2,
            gfp: 0xcc0,
            pid: 1,
            comm: [0; COMM_LEN],
        };
        site.frames[..frames.len()].copy_from_slice(frames);
        site
    }

    fn key(site: &Site) -> u64 {
        site.key(&INTERRUPTS).key
    }

    #[test]
    fn every_part_of_a_site_is_in_its_key() {
        let one = site(&[7, 8, 9]);
        let others = [
            site(&[7, 8]),
            site(&[7, 8, 9, 10]),
            site(&[7, 8, 10]),
            Site { order: 3, ..one },
            Site { gfp: 0xdc0, ..one },
            Site { skipped: 1, ..one },
        ];
        for other in others {
            assert_ne!(key(&one), key(&other));
        }
        assert_eq!(key(&one), key(&Site { pid: 2, ..one }));
    }

    #[test]
    fn frames_of_the_tracer_do_not_count() {
        let (one, other) = (site(&[1, 2, 7, 8]), site(&[3, 7, 8]));
        let other = key(&Site {
            skipped: 1,
            ..other
        });
        assert_eq!(key(&Site { skipped: 2, ..one }), other);
    }

    #[test]
    fn whoever_was_interrupted_does_not_count() {
        let (one, other) = (site(&[7, 0x10ff, 8]), site(&[7, 0x10ff, 9, 10]));
        assert_eq!(one.key(&INTERRUPTS), other.key(&INTERRUPTS));
        assert!(one.key(&INTERRUPTS).in_interrupt);
        let task = site(&[7, 0x1100, 8]).key(&INTERRUPTS);
        assert!(!task.in_interrupt, "the first address behind the entries");
    }

    #[test]
    fn takers_are_told_apart_unless_an_interrupt_came_on_top_of_them() {
        let task = site(&[7, 8]).key(&INTERRUPTS);
        assert_ne!(task.of_taker(4711).key, task.of_taker(4712).key);
        assert_ne!(task.of_taker(0).key, task.key);
        let interrupt = site(&[7, 0x1000, 8]).key(&INTERRUPTS);
        assert_eq!(interrupt.of_taker(4711), interrupt);
    }

    #[test]
    fn a_record_of_any_bytes_has_a_key() {
        let mut wild = site(&[7; MAX_FRAMES]);
        (wild.depth, wild.skipped) = (u16::MAX, u16::MAX);
        assert_eq!(key(&wild), key(&site(&[7; MAX_FRAMES])));
    }
}
