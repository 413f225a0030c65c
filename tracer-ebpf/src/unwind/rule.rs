//! The unwind rule of one return address.

/// How many of the following return addresses a rule predicts at most.
pub const RUN: usize = 5;

/// Where the return address that follows one lies: a cache line.
///
/// User space writes it while programs read: it clears `ip` first and sets it last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct UnwindRule {
    /// The return address that the rule belongs to; 0 for an unused entry.
    pub ip: u64,
    /// The return addresses that have followed it on every stack so far, nearest first.
    pub next: [u64; RUN],
    /// For [`FRAME`](Self::FRAME) and [`REALIGNED`](Self::REALIGNED), how far above `ip` each of
    /// `next` lies, in bytes. The first holds even if `next` does not. For
    /// [`ANCHORED`](Self::ANCHORED), the offset of the one return address from the start of the
    /// stack.
    pub offsets: [u16; RUN],
    /// One of the kinds below; 0 for an unused entry.
    pub kind: u16,
    /// How many of `offsets` are valid, at least 1 where any is.
    pub run: u16,
    /// Zero.
    pub unused: u16,
}

impl UnwindRule {
    /// An unused entry.
    pub const NONE: Self = Self {
        ip: 0,
        next: [0; RUN],
        offsets: [0; RUN],
        kind: 0,
        run: 0,
        unused: 0,
    };
    /// The next return address lies at a constant distance.
    pub const FRAME: u16 = 1;
    /// It lies at a constant offset from the start of the stack: the frame between has a random
    /// size (`RANDOMIZE_KSTACK_OFFSET`).
    pub const ANCHORED: u16 = 2;
    /// The registers of the interrupted context lie above. If it is user mode, the stack ends; if
    /// it is the kernel, the stack goes on there.
    pub const REGISTERS: u16 = 3;
    /// The stack ends.
    pub const END: u16 = 4;
    /// Only the kernel's unwinder can go on.
    pub const OPAQUE: u16 = 5;
    /// It lies at a constant distance or, where that is no [`code`](super::code), a word further:
    /// the function aligns its stack to 16 bytes and saves a register below its return address.
    pub const REALIGNED: u16 = 6;
}

const _: () = assert!(size_of::<UnwindRule>() == 64);
