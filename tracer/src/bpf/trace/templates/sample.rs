//! A sample, as it comes out of the ring buffer.

use tracer_ebpf::{MAX_FRAMES, SAMPLE_PAGES, Sample, registers};

pub(super) const WORD: u64 = size_of::<u64>() as u64;
const PAGE: u64 = 4096;

/// A kernel stack, and the frames that the kernel found on it.
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

    /// How far above the context each copy of a word lies, in bytes.
    pub(super) fn places(&self, word: u64) -> impl Iterator<Item = u64> {
        let words = (0..).step_by(WORD as usize).zip(&self.words);
        words
            .filter(move |&(_, it)| *it == word)
            .map(|(place, _)| place)
    }

    /// Where `next` would lie if it had been called and not interrupted: right below
    /// its own stack. One for each of `places` that has its registers above.
    pub(super) fn interrupted_at(&self, places: &[u64], next: u64) -> impl Iterator<Item = u64> {
        let registers = places.iter().filter_map(|&it| self.kernel_registers(it));
        let its_own = registers.filter(move |&(ip, _)| ip == next);
        its_own.map(|(_, sp)| sp.wrapping_sub(self.context).wrapping_sub(WORD))
    }

    /// The instruction and the stack pointer that were interrupted, if the
    /// registers above a return address are the kernel's.
    fn kernel_registers(&self, place: u64) -> Option<(u64, u64)> {
        let register = |offset| self.word_above(place, offset);
        let segment = register(registers::CS)?;
        let is_kernel = segment != 0 && segment & registers::USER == 0;
        let (ip, sp) = (register(registers::IP)?, register(registers::SP)?);
        (is_kernel && sp > self.context.wrapping_add(place)).then_some((ip, sp))
    }

    /// Whether the registers above a return address are a user's.
    pub(super) fn is_user_above(&self, place: u64) -> bool {
        let segment = self.word_above(place, registers::CS);
        segment.is_some_and(|segment| segment & registers::USER == registers::USER)
    }

    /// The word at `offset` of the registers above a return address.
    fn word_above(&self, place: u64, offset: u64) -> Option<u64> {
        self.word(place.checked_add(WORD + offset)?)
    }

    /// The word so many bytes above the context.
    pub(super) fn word(&self, place: u64) -> Option<u64> {
        self.words.get((place / WORD) as usize).copied()
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
        assert_eq!(sample.places(512).collect::<Vec<_>>(), [16]);
        assert_eq!(sample.word(16), Some(512));
        assert_eq!(sample.word(u64::MAX), None);
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
