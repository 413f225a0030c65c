//! A kernel stack, whoever reads it: a program in place or from a copy, user space from
//! a sample, a test from words of its own.

/// Bytes of a word.
pub const WORD: u64 = size_of::<u64>() as u64;

/// Bytes of a kernel stack, to which it is aligned (`THREAD_SIZE` and `IRQ_STACK_SIZE` of x86-64).
/// Where there are larger ones, as on arm64 with pages of 64 KiB, programs read beyond as from anywhere.
pub const STACK_SIZE: u64 = 16 * 1024;

/// Offsets in a `struct pt_regs` of x86-64, in bytes; its size is ABI.
pub mod registers {
    /// The interrupted instruction.
    pub const IP: u64 = 128;
    /// Its code segment.
    pub const CS: u64 = 136;
    /// The stack pointer.
    pub const SP: u64 = 152;
    /// The lowest two bits of a code segment, both set in user mode.
    pub const USER: u64 = 3;
}

/// 1 for an address in the code of the kernel or a module, 0 for any other word but
/// small negative numbers: code has the highest 2 GiB (Documentation/arch/x86/x86_64/mm.rst).
///
/// Computed without a choice, of which the kernel's verifier would follow both sides.
#[inline(always)]
pub const fn code(word: u64) -> u64 {
    const HIGHEST: u32 = 33;
    ((word >> (u64::BITS - HIGHEST)) + 1) >> HIGHEST
}

/// A kernel stack from the context of a program up. Offsets are in bytes above that context.
pub trait Stack {
    /// Address of the context.
    fn context(&self) -> u64;

    /// The word at an offset; any value where there is none.
    fn word(&self, offset: u64) -> u64;

    /// The word at an offset and the next one, on whatever stack they lie; any values where there are
    /// none.
    #[inline(always)]
    fn pair(&self, offset: u64) -> [u64; 2] {
        [self.word(offset), self.word(offset.wrapping_add(WORD))]
    }

    /// Always 0, which a program hides from the kernel's verifier. A number that it was added to
    /// has no bounds any more, which the verifier would follow through every turn of a loop.
    fn zero(&self) -> u64;

    /// The offset of an anchored return address, which lies `anchor` bytes above the start of
    /// the stack.
    #[inline(always)]
    fn anchored(&self, anchor: u64) -> u64 {
        anchor.wrapping_sub(self.context()) & (STACK_SIZE - 1)
    }

    /// How many bytes above `offset` the return address of a function lies that aligned its
    /// stack: none if there is one at `offset`, or else a word.
    #[inline(always)]
    fn alignment(&self, offset: u64) -> u64 {
        (1 - code(self.word(offset))) * WORD
    }

    /// The register saved above the return address at an offset; `register` is one of
    /// [`registers`].
    #[inline(always)]
    fn register(&self, offset: u64, register: u64) -> u64 {
        self.word(register_offset(offset, register))
    }

    /// The offset that a return address into the interrupted function would have, were it called
    /// and not interrupted: right below its stack. The registers lie above the return address at
    /// `offset`.
    #[inline(always)]
    fn interrupted(&self, offset: u64) -> u64 {
        let sp = self.register(offset, registers::SP);
        sp.wrapping_sub(self.context().wrapping_add(WORD))
    }
}

/// The offset of a register that is saved above the return address at `offset`.
#[inline(always)]
pub const fn register_offset(offset: u64, register: u64) -> u64 {
    offset.wrapping_add(WORD + register)
}

#[cfg(test)]
mod tests {
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
}
