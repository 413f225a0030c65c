//! From the first return address of a stack to its last, one rule after the other.

use super::{
    CacheEntry, RUN, Rules, Stack, UnwindRule, registers, stack::register_offset, table::Rule,
};
use crate::key::mix;

/// How many rules are followed on one stack; each leads up to [`RUN`] frames further.
const STEPS: usize = 24;

/// What came of it.
///
/// The key is always there but counts only if the unwind is complete: of a value that
/// is there at times, LLVM keeps what the kernel's verifier will not let it read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unwound {
    /// The key of the frames so far.
    pub key: u64,
    /// How far it came.
    pub outcome: Outcome,
}

impl Unwound {
    /// Of a stack whose first return address is not known yet.
    pub const NOTHING: Self = Self {
        key: 0,
        outcome: Outcome::NoRule,
    };
}

/// How far an unwind by rules came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// To the end of the stack.
    Complete,
    /// To a return address without a rule, or further than rules are followed; a rule can have
    /// been wrong.
    NoRule,
    /// To a frame that no rule can describe.
    Opaque,
}

/// A place on the stack.
struct Cursor<'a> {
    /// The offset of the return address.
    offset: u64,
    /// The return address.
    ip: u64,
    key: u64,
    /// Notes the words that the way depends on.
    entry: &'a mut CacheEntry,
}

/// Unwinds a stack, from the return address at the offset `first` on, and mixes the frames
/// into the key `seed`. Notes in `entry`, which was begun, the words that it depends on.
#[inline(always)]
pub fn unwind(
    stack: &impl Stack,
    rules: Rules<'_>,
    first: u64,
    seed: u64,
    entry: &mut CacheEntry,
) -> Unwound {
    let mut cursor = Cursor {
        offset: 0,
        ip: 0,
        key: seed,
        entry,
    };
    cursor.go_to(stack, first + stack.zero());
    let outcome = cursor.follow(stack, rules);
    Unwound {
        key: cursor.key,
        outcome,
    }
}

impl Cursor<'_> {
    #[inline(always)]
    fn follow(&mut self, stack: &impl Stack, rules: Rules<'_>) -> Outcome {
        for _ in 0..STEPS {
            let Some(rule) = rules.find(self.ip, stack.zero()) else {
                return Outcome::NoRule;
            };
            match rule.kind() {
                UnwindRule::FRAME => self.run(stack, rule),
                UnwindRule::REALIGNED => self.go_to_realigned(stack, rule.offset(0)),
                UnwindRule::ANCHORED => self.go_to_anchored(stack, rule.offset(0)),
                UnwindRule::REGISTERS if self.is_user(stack) => return Outcome::Complete,
                UnwindRule::REGISTERS => self.go_to_interrupted(stack),
                UnwindRule::END => return Outcome::Complete,
                UnwindRule::OPAQUE => return Outcome::Opaque,
                // Unused or half-written.
                _ => return Outcome::NoRule,
            }
        }
        Outcome::NoRule
    }

    /// Goes to the return addresses that follow, as long as each is the predicted one.
    #[inline(always)]
    fn run(&mut self, stack: &impl Stack, rule: Rule<'_>) {
        let start = self.offset;
        for i in 0..RUN {
            if i >= usize::from(rule.run()) {
                break;
            }
            self.go_to(stack, start + u64::from(rule.offset(i)));
            if self.ip != rule.next(i) {
                break;
            }
        }
    }

    #[inline(always)]
    fn go_to(&mut self, stack: &impl Stack, offset: u64) {
        self.look_at(stack, offset);
        self.entry.push(offset, self.ip);
    }

    #[inline(always)]
    fn go_to_realigned(&mut self, stack: &impl Stack, distance: u16) {
        let offset = self.offset + u64::from(distance);
        let further = stack.alignment(offset);
        self.entry.mark_uncacheable(further as u16);
        self.go_to(stack, offset + further);
    }

    #[inline(always)]
    fn go_to_anchored(&mut self, stack: &impl Stack, anchor: u16) {
        self.look_at(stack, stack.anchored(anchor.into()) + stack.zero());
        self.entry.push_anchored(anchor, self.ip);
    }

    #[inline(always)]
    fn look_at(&mut self, stack: &impl Stack, offset: u64) {
        self.offset = offset;
        self.ip = stack.word(offset);
        self.key = mix(self.key, self.ip);
    }

    #[inline(always)]
    fn is_user(&mut self, stack: &impl Stack) -> bool {
        let segment = register_offset(self.offset, registers::CS);
        self.entry.end_in_user_mode(stack, segment);
        stack.word(segment) & registers::USER == registers::USER
    }

    /// Goes to the interrupted function as if the one that interrupted it had been called.
    #[inline(always)]
    fn go_to_interrupted(&mut self, stack: &impl Stack) {
        let ip = stack.register(self.offset, registers::IP);
        self.offset = stack.interrupted(self.offset);
        self.ip = ip;
        self.entry.mark_uncacheable(1);
        self.key = mix(self.key, ip);
    }
}
