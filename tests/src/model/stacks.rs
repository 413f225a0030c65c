//! Stacks that are made up, where the programs read theirs: right above the arguments.

use fastrand::Rng;
use tracer_ebpf::{
    key::{mix, seed},
    unwind::{RUN, UnwindRule, WORD},
};

/// Words of a stack: as many as can follow the arguments of an event in a context
/// (`MAX_BPF_FUNC_ARGS`, include/linux/bpf.h).
const WORDS: usize = 12 - ARGUMENTS;

/// Words that the arguments take.
pub(super) const ARGUMENTS: usize = 4;

/// How far above its context a program finds the first return address, in bytes.
pub(super) const FIRST_RETURN: u32 = ARGUMENTS as u32 * WORD as u32;

/// How many made-up stacks there are.
pub(super) const STACKS: usize = 24;

/// A made-up stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MadeUpStack {
    pub(super) words: [u64; WORDS],
    /// Which words are return addresses.
    is_frame: [bool; WORDS],
}

/// A made-up function, by its number, which is less than [`FUNCTIONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Function(usize);

/// How many functions there are.
const FUNCTIONS: usize = 16;

/// Where the caller of a function has its return address.
enum Caller {
    /// So many words above.
    Above(usize),
    /// So many words above or, since the function aligns its stack, one more.
    Aligned(usize),
    /// Nowhere: the stack ends.
    Nobody,
    /// Only the kernel knows.
    Unknown,
}

/// Functions that there are rules for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// A bit for each.
    functions: u16,
    /// What the rules predict follows from this.
    predictions: u64,
}

impl Function {
    fn all() -> impl Iterator<Item = Self> {
        (0..FUNCTIONS).map(Self)
    }

    const fn caller(self) -> Caller {
        match self.0 {
            0..10 => Caller::Above(1 + self.0 % 2),
            10..12 => Caller::Aligned(1),
            12..15 => Caller::Nobody,
            _ => Caller::Unknown,
        }
    }

    const fn return_address(self) -> u64 {
        0xffff_ffff_8100_0000 + self.0 as u64 * 64
    }

    /// A word that is no return address: another saved register, or a stale return address.
    fn other_word(rng: &mut Rng) -> u64 {
        match rng.bool() {
            true => rng.u64(..1 << 47),
            false => Self(rng.usize(..FUNCTIONS)).return_address(),
        }
    }
}

impl MadeUpStack {
    /// A stack with this one return address.
    pub const fn of(return_address: u64) -> Self {
        let mut words = [0; WORDS];
        words[0] = return_address;
        let mut is_frame = [false; WORDS];
        is_frame[0] = true;
        Self { words, is_frame }
    }

    /// The stacks that events have.
    pub(super) fn all() -> [Self; STACKS] {
        let mut rng = Rng::with_seed(7);
        std::array::from_fn(|_| Self::random(&mut rng))
    }

    /// A random one that ends, as far as the room goes.
    fn random(rng: &mut Rng) -> Self {
        let mut stack = Self {
            words: std::array::from_fn(|_| Function::other_word(rng)),
            is_frame: [false; WORDS],
        };
        let mut place = 0;
        loop {
            // What an aligned function needs at most, and one to end with.
            let has_room = place + 2 < WORDS;
            let function = match has_room {
                true => Function(rng.usize(..FUNCTIONS)),
                false => Function(rng.usize(12..FUNCTIONS)),
            };
            stack.words[place] = function.return_address();
            stack.is_frame[place] = true;
            place += match function.caller() {
                Caller::Above(words) => words,
                Caller::Aligned(words) if rng.bool() => words,
                Caller::Aligned(words) => {
                    // A saved register, which is no address of code.
                    stack.words[place + words] = rng.u64(..1 << 47);
                    words + 1
                }
                Caller::Nobody | Caller::Unknown => return stack,
            };
        }
    }

    /// It with the arguments of an event below: what a program is called with.
    pub(super) fn above(&self, arguments: [u64; ARGUMENTS]) -> Vec<u64> {
        [arguments.as_slice(), &self.words].concat()
    }

    fn frames(&self) -> impl Iterator<Item = u64> {
        let words = self.words.iter().zip(self.is_frame);
        words.filter_map(|(&word, is_frame)| is_frame.then_some(word))
    }

    /// The key of a site with this stack.
    pub fn key(&self, order: u32, gfp: u32) -> u64 {
        self.frames().fold(seed(order, gfp), mix)
    }

    /// Whether rules lead through the whole of it.
    pub(super) fn is_known(&self, known: Known) -> bool {
        let functions = || Function::all().filter(|it| known.contains(*it));
        self.frames().all(|frame| {
            let mut functions = functions().filter(|it| !matches!(it.caller(), Caller::Unknown));
            functions.any(|function| function.return_address() == frame)
        })
    }
}

impl Known {
    /// No functions.
    pub(super) const NONE: Self = Self {
        functions: 0,
        predictions: 0,
    };

    /// Most functions.
    pub(super) fn random(rng: &mut Rng) -> Self {
        Self {
            functions: rng.u16(..) | rng.u16(..) | rng.u16(..),
            predictions: rng.u64(..),
        }
    }

    const fn contains(self, function: Function) -> bool {
        self.functions >> function.0 & 1 != 0
    }

    /// The return addresses of all functions, known or not.
    pub(super) fn return_addresses() -> impl Iterator<Item = u64> {
        Function::all().map(Function::return_address)
    }

    /// The rules.
    pub(super) fn rules(self) -> Vec<UnwindRule> {
        let mut rng = Rng::with_seed(self.predictions);
        let known = Function::all().filter(|&it| self.contains(it));
        known.map(|it| self.rule(it, &mut rng)).collect()
    }

    fn rule(self, function: Function, rng: &mut Rng) -> UnwindRule {
        let bytes = |words| (words * WORD as usize) as u16;
        let (kind, offset) = match function.caller() {
            Caller::Above(words) => (UnwindRule::FRAME, bytes(words)),
            Caller::Aligned(words) => (UnwindRule::REALIGNED, bytes(words)),
            Caller::Nobody => (UnwindRule::END, 0),
            Caller::Unknown => (UnwindRule::OPAQUE, 0),
        };
        let mut rule = UnwindRule {
            ip: function.return_address(),
            kind,
            run: u16::from(offset > 0),
            ..UnwindRule::NONE
        };
        rule.offsets[0] = offset;
        if kind == UnwindRule::FRAME {
            self.predict(&mut rule, rng);
        }
        rule
    }

    /// Predicts what follows, rightly or wrongly. As far as each frame is of a constant size, the
    /// rule has the offset of the next.
    fn predict(self, rule: &mut UnwindRule, rng: &mut Rng) {
        for i in 0..RUN {
            let next = Function(rng.usize(..FUNCTIONS));
            rule.next[i] = next.return_address();
            let Caller::Above(words) = next.caller() else {
                return;
            };
            if !self.contains(next) || i + 1 == RUN {
                return;
            }
            rule.offsets[i + 1] = rule.offsets[i] + (words * WORD as usize) as u16;
            rule.run += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_of_all_lengths_end_in_every_way() {
        let stacks = MadeUpStack::all();
        let depths = stacks.map(|stack| stack.frames().count());
        assert!(depths.contains(&1) && depths.iter().any(|&depth| depth > 4));
        let everything = Known {
            functions: u16::MAX,
            predictions: 0,
        };
        let known = stacks.iter().filter(|it| it.is_known(everything)).count();
        assert!(known > STACKS / 2 && known < STACKS, "{known}");
        assert!(!stacks.iter().any(|it| it.is_known(Known::NONE)));
    }

    #[test]
    fn a_key_is_that_of_the_return_addresses() {
        let key = MadeUpStack::of(7).key(1, 2);
        assert_eq!(key, mix(seed(1, 2), 7));
    }
}
