//! Kernel memory, copied by a program that the kernel runs on the spot (`BPF_PROG_TEST_RUN`).

use anyhow::Result;
use aya::Ebpf;
use memmap2::MmapRaw;
use tracer_ebpf::{COPIED_PIECES, PIECE_LEN, maps, programs};

use super::{
    hooks::{self, Hook},
    mapped, object, queries,
};
use crate::kernel::read_memory::ReadMemory;

/// Bytes that are copied at a time: all of them, or none.
const PIECE: u64 = PIECE_LEN as u64;

/// A window on kernel memory.
pub struct KernelMemory {
    ebpf: Ebpf,
    copied: MmapRaw,
}

/// Memory as it was for a moment. Whoever owns it may have changed it meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Copied<'a> {
    /// The bytes; zeros where they could not be read.
    pub bytes: &'a [u8],
    /// A bit for each piece of [`Self::PIECE`] bytes that could be read, the lowest for the first.
    pub readable: u32,
}

impl Copied<'_> {
    /// Bytes that could be read together, or not.
    pub const PIECE: usize = PIECE_LEN;
}

impl KernelMemory {
    /// Bytes that can be looked at at once.
    pub const WINDOW: u64 = PIECE * COPIED_PIECES as u64;

    /// Prepares to look; an error where the kernel does not let programs read its memory, as
    /// under lockdown "confidentiality".
    pub fn open() -> Result<Self> {
        let mut ebpf = object::load_memory()?;
        hooks::load(&mut ebpf, Hook::Raw, programs::COPY_MEMORY)?;
        let copied = mapped::read_only(&ebpf, maps::COPIED, Self::WINDOW)?;
        Ok(Self { ebpf, copied })
    }
}

/// Memory that is copied a window at a time: the kernel's, or that of a host which was made up.
pub trait CopyMemory {
    /// Copies so many bytes, rounded up to whole pieces and at most [`KernelMemory::WINDOW`], from
    /// an address on.
    fn window(&mut self, address: u64, len: u64) -> Result<Copied<'_>>;
}

impl CopyMemory for KernelMemory {
    fn window(&mut self, address: u64, len: u64) -> Result<Copied<'_>> {
        let pieces = len.div_ceil(PIECE).min(COPIED_PIECES.into());
        let readable = queries::run(&self.ebpf, programs::COPY_MEMORY, [address, pieces, 0])?;
        let len = pieces as usize * PIECE_LEN;
        // SAFETY: the memory is mapped as long as `self` lives, and has `WINDOW` bytes. Only the
        // program writes it, which runs in here alone, with the sole reference to `self`.
        let bytes = unsafe { std::slice::from_raw_parts(self.copied.as_ptr(), len) };
        Ok(Copied { bytes, readable })
    }
}

impl ReadMemory for KernelMemory {
    fn read(&mut self, address: u64, len: usize) -> Option<&[u8]> {
        let start = address % PIECE;
        let pieces = (start + len as u64).div_ceil(PIECE);
        let all = 1_u32.checked_shl(u32::try_from(pieces).ok()?);
        let all = all.map_or(u32::MAX, |bit| bit - 1);
        let copied = self.window(address - start, pieces * PIECE).ok()?;
        if copied.readable & all != all {
            return None;
        }
        copied.bytes.get(start as usize..)?.get(..len)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::kernel::host;

    #[test]
    fn the_kernels_text_is_read_and_nothing_is_nowhere() {
        let memory = KernelMemory::open();
        let text = host::kallsyms().ok().and_then(|it| it.stext());
        let (Ok(mut memory), Some(address)) = (memory, text) else {
            // Written directly: the print macros are captured.
            let skipped = "SKIPPED the_kernels_text_is_read_and_nothing_is_nowhere: needs root";
            writeln!(std::io::stderr(), "{skipped}").expect("stderr is open");
            return;
        };
        let len = Copied::PIECE + 16;
        let text = memory.read(address + 8, len).expect("it is there").to_vec();
        assert!(text.iter().any(|&byte| byte != 0));
        let word = memory.word(address + 16).expect("it is there");
        assert_eq!(word.to_ne_bytes(), text[8..16]);
        assert_eq!(memory.word(0), None);
        assert_eq!(memory.word(u64::MAX - 4), None);
        assert_eq!(memory.read(address, 1 << 20), None, "more than a window");
    }
}
