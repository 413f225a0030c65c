//! A sample, as it comes out of the ring buffer.

use tracer_ebpf::{
    MAX_FRAMES, SAMPLE_PAGES, Sample,
    unwind::{Stack, WORD, registers, without_signature},
};

const PAGE: u64 = 4096;

/// A kernel stack, and the frames that the kernel's unwinder found on it. Offsets are in bytes
/// above the context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StackSample {
    /// Return addresses, innermost first.
    pub(super) frames: Vec<u64>,
    /// Where `words` begin: at the programs' context.
    pub(super) context: u64,
    /// The stack from there on up to its end.
    pub(super) words: Vec<u64>,
}

impl StackSample {
    /// Takes the bytes of a [`Sample`] apart; none if they are something else.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != size_of::<Sample>() {
            return None;
        }
        // The ring buffer has no alignment that this process could rely on.
        let (words, _) = bytes.as_chunks::<8>();
        let words: Vec<_> = words.iter().map(|&word| u64::from_ne_bytes(word)).collect();
        let (frames, rest) = words.split_at(MAX_FRAMES);
        let (&[depth, context, copied], pages) = rest.split_first_chunk::<3>()?;
        let depth = frames.len().min(depth as usize);
        let copied = SAMPLE_PAGES.min(copied as usize) * (PAGE / WORD) as usize;
        let start = (context % PAGE / WORD) as usize;
        Some(Self {
            frames: frames[..depth].to_vec(),
            context,
            words: pages[..copied].get(start..)?.to_vec(),
        })
    }

    /// The same with return addresses as the kernel's unwinder gives them, where they are signed on the
    /// stack (arm64).
    pub(super) fn without_signatures(mut self) -> Self {
        /// Of an address, which half of the address space it is of.
        const IS_KERNEL: u64 = 1 << 55;
        let pointers = self.words.iter_mut().filter(|word| **word & IS_KERNEL != 0);
        pointers.for_each(|word| *word = without_signature(*word));
        self
    }

    /// The offset of each copy of a word.
    pub(super) fn offsets_of(&self, word: u64) -> impl Iterator<Item = u64> {
        let words = (0..).step_by(WORD as usize).zip(&self.words);
        words
            .filter(move |&(_, it)| *it == word)
            .map(|(offset, _)| offset)
    }

    /// The offsets of the return address `next` if it was interrupted: one for each of `offsets`
    /// that has its registers above.
    pub(super) fn interrupted_at(&self, offsets: &[u64], next: u64) -> impl Iterator<Item = u64> {
        let offsets = offsets.iter().copied();
        let interrupted = offsets.filter(move |&it| self.is_kernel_above(it, next));
        interrupted.map(|it| self.interrupted(it))
    }

    /// Whether the registers above a return address are those of the kernel, interrupted at `ip`.
    fn is_kernel_above(&self, offset: u64, ip: u64) -> bool {
        let register = |register| self.register(offset, register);
        let segment = register(registers::CS);
        let is_kernel = segment != 0 && segment & registers::USER == 0;
        let is_above = register(registers::SP) > self.context.wrapping_add(offset);
        is_kernel && is_above && register(registers::IP) == ip
    }

    /// Whether the registers above a return address are those of user mode.
    pub(super) fn is_user_above(&self, offset: u64) -> bool {
        self.register(offset, registers::CS) & registers::USER == registers::USER
    }

    /// The word at an offset, if it is on the stack.
    pub(super) fn get(&self, offset: u64) -> Option<u64> {
        self.words.get((offset / WORD) as usize).copied()
    }
}

impl Stack for StackSample {
    fn context(&self) -> u64 {
        self.context
    }

    fn word(&self, offset: u64) -> u64 {
        self.get(offset).unwrap_or(0)
    }

    fn zero(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sample whose stack counts up from the beginning of its first page.
    fn bytes(depth: u64, context: u64, copied: u64) -> Vec<u8> {
        let stack = (0..).take(SAMPLE_PAGES * (PAGE / WORD) as usize);
        let frames = [7; MAX_FRAMES].into_iter();
        let words = frames.chain([depth, context, copied]).chain(stack);
        words.flat_map(u64::to_ne_bytes).collect()
    }

    #[test]
    fn the_stack_begins_at_the_context() {
        let sample = StackSample::read(&bytes(3, 0xffff_c900_0000_1ff0, 2)).expect("a sample");
        assert_eq!(sample.frames, [7; 3]);
        assert_eq!(sample.words.len(), 2 + 512);
        assert_eq!(sample.words[0], 510);
        assert_eq!(sample.offsets_of(512).collect::<Vec<_>>(), [16]);
        assert_eq!(sample.get(16), Some(512));
        assert_eq!(sample.get(u64::MAX), None);
    }

    #[test]
    fn what_it_says_of_itself_is_not_trusted() {
        let sample = StackSample::read(&bytes(u64::MAX, 0, u64::MAX)).expect("a sample");
        assert_eq!(sample.frames.len(), MAX_FRAMES);
        assert_eq!(sample.words.len(), SAMPLE_PAGES * 512);
        assert_eq!(StackSample::read(&bytes(1, 8, 0)), None);
        assert_eq!(StackSample::read(&bytes(1, 8, 1)[1..]), None);
    }
}
