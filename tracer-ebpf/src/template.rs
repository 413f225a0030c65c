//! Templates: where on a kernel stack the next return address lies.
//!
//! At one return address a frame always has the same size, so from the place of
//! one return address follows that of the next. The kernel's unwinder is asked
//! once for each return address; from then on the stack is read, not unwound.

/// How many of the following return addresses a template tells beforehand.
pub const RUN: usize = 5;

/// Entries of the template table, a power of two.
pub const TEMPLATES: usize = 1 << 14;

/// How many neighbouring entries a return address may be in.
pub const WAYS: usize = 4;

/// All templates: one value of a map, so that it is looked up once for a stack.
pub type Templates = [Template; TEMPLATES];

/// What follows one return address: a cache line.
///
/// User space writes it while programs read. It takes `ip` away first and puts
/// it back last; half a template still only leads to a stack that nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Template {
    /// The return address; 0 for an entry that is not in use.
    pub ip: u64,
    /// The return addresses that follow it on every stack seen so far, nearest first.
    pub next: [u64; RUN],
    /// For [`FRAME`](Self::FRAME) and [`REALIGNED`](Self::REALIGNED), how far above this return
    /// address each of `next` lies, in bytes. The first is right even if `next` is not. For
    /// [`ANCHORED`](Self::ANCHORED), where the one return address lies in its [`STACK_SIZE`]
    /// bytes.
    pub at: [u16; RUN],
    /// One of the kinds below; 0 for an entry that is not in use.
    pub kind: u16,
    /// How many of `at` are valid, at least 1 where any is.
    pub run: u16,
    /// Zero.
    pub unused: u16,
}

impl Template {
    /// An entry that is not in use.
    pub const NONE: Self = Self {
        ip: 0,
        next: [0; RUN],
        at: [0; RUN],
        kind: 0,
        run: 0,
        unused: 0,
    };
    /// The next return address lies a constant distance above.
    pub const FRAME: u16 = 1;
    /// It lies at a constant place of the stack: the frame between has a random
    /// size (`RANDOMIZE_KSTACK_OFFSET`).
    pub const ANCHORED: u16 = 2;
    /// The registers of whoever was interrupted lie above: a user, where the
    /// stack ends, or the kernel, where it goes on.
    pub const REGISTERS: u16 = 3;
    /// The stack ends.
    pub const END: u16 = 4;
    /// Only the kernel can go on.
    pub const OPAQUE: u16 = 5;
    /// It lies that far above or, where that is no [`code`], a word further: the function
    /// aligned its stack to 16 bytes, and below its own return address saved a register.
    pub const REALIGNED: u16 = 6;
}

/// 1 for an address in the code of the kernel or a module, 0 for any other word but for
/// small negative numbers: code has the highest 2 GiB (Documentation/arch/x86/x86_64/mm.rst).
/// Computed without a choice, of which the verifier would follow both sides.
#[inline(always)]
pub const fn code(word: u64) -> u64 {
    const HIGHEST: u32 = 33;
    ((word >> (u64::BITS - HIGHEST)) + 1) >> HIGHEST
}

/// Bytes of a kernel stack, to which it is aligned (`THREAD_SIZE` and `IRQ_STACK_SIZE` of x86-64).
pub const STACK_SIZE: u64 = 16 * 1024;

/// Offsets in a `struct pt_regs` of x86-64, in bytes; its size is ABI.
pub mod registers {
    /// The instruction that was interrupted.
    pub const IP: u64 = 128;
    /// Its code segment, whose lowest two bits are set for a user.
    pub const CS: u64 = 136;
    /// The stack pointer.
    pub const SP: u64 = 152;
    /// The lowest two bits of a user's code segment.
    pub const USER: u64 = 3;
}

/// Index of the first entry that the template of a return address may be in.
#[inline(always)]
pub const fn first_way(ip: u64) -> usize {
    const BUCKETS: usize = TEMPLATES / WAYS;
    let hash = ip.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - BUCKETS.ilog2());
    hash as usize * WAYS
}

const _: () = assert!(size_of::<Template>() == 64);
const _: () = assert!(TEMPLATES.is_power_of_two());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_lies_in_the_highest_2_gib() {
        for (word, code) in [
            (0xffff_ffff_8000_0000, 1),
            (0xffff_ffff_c0a8_1234, 1),
            (0xffff_ffff_7fff_ffff, 0),
            (0xffff_c900_0012_3fc8, 0),
            (0, 0),
            (0x33, 0),
        ] {
            assert_eq!(super::code(word), code, "{word:#x}");
        }
    }

    #[test]
    fn every_way_is_in_the_table() {
        for ip in [0, 1, 0xffff_ffff_8100_0000, 0xffff_ffff_c0a8_1234, u64::MAX] {
            let first = first_way(ip);
            assert!(first + WAYS <= TEMPLATES, "{ip:#x}");
            assert_eq!(first % WAYS, 0, "{ip:#x}");
        }
    }
}
