//! The records in the other maps. All are `repr(C)`, without padding, and any
//! bit pattern is a value, so user space may read them while the kernel writes.

use crate::{MAX_FRAMES, unwind::UnwindControl};

/// What user space tells the programs while they run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Control {
    /// The epoch that new slots are stamped with, at most [`LAST_EPOCH`](crate::LAST_EPOCH).
    pub epoch: u32,
    /// How stacks are unwound by rules.
    pub unwind: UnwindControl,
}

/// How many sites each CPU keeps in mind; a power of two.
pub const RECENT_SITES: usize = 2048;

/// What a CPU knows of the site table, as user space forgets it: zeros know nothing.
pub type KnownSites = [u64; 1 + RECENT_SITES];

/// Pages of stack in a [`Sample`]: all that one can have.
pub const SAMPLE_PAGES: usize = 4;

/// A stack that the rules did not lead through, for user space to learn from.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Sample {
    /// Return addresses as the kernel unwound them, innermost first.
    pub frames: [u64; MAX_FRAMES],
    /// How many of `frames` are valid.
    pub depth: u64,
    /// Address of the program's context, on the stack's first page.
    pub context: u64,
    /// How many of `pages` are valid.
    pub copied: u64,
    /// The pages of the stack from the one with the context on.
    pub pages: [[u64; 512]; SAMPLE_PAGES],
}

const _: () = assert!(size_of::<Control>() == 20);
const _: () = assert!(size_of::<Sample>() == 984 + 24 + SAMPLE_PAGES * 4096);
