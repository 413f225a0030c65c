//! Where the next return address can lie, as far as samples tell.

use std::collections::BTreeSet;

use tracer_ebpf::unwind::{Stack, UnwindRule};

/// The offsets that were possible on every sample so far, in bytes; none before the first sample.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Candidates(Option<BTreeSet<u64>>);

impl Candidates {
    /// Keeps those that are possible on a further sample, too.
    pub(super) fn narrow(&mut self, possible: BTreeSet<u64>) {
        self.0 = Some(match self.0.take() {
            Some(before) => before.intersection(&possible).copied().collect(),
            None => possible,
        });
    }

    pub(super) fn least(&self) -> Option<u64> {
        self.all().next()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = u64> + Clone {
        self.0.iter().flatten().copied()
    }
}

/// One candidate for the place of the next return address, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CandidateOffset {
    /// So far above the one before.
    Frame(u64),
    /// So far above the start of the stack.
    Anchored(u64),
    /// So far above the one before, or a word further.
    Realigned(u64),
}

impl CandidateOffset {
    /// The offset above the context that it gives, as programs follow a rule from `offset` on.
    pub(super) fn follow(self, offset: u64, stack: &impl Stack) -> u64 {
        match self {
            Self::Frame(distance) => offset.wrapping_add(distance),
            Self::Anchored(anchor) => stack.anchored(anchor),
            Self::Realigned(distance) => {
                let offset = offset.wrapping_add(distance);
                offset.wrapping_add(stack.alignment(offset))
            }
        }
    }

    /// Kind and offset of the rule. Candidates are below 2^16.
    pub(super) const fn rule(self) -> (u16, u16) {
        match self {
            Self::Frame(distance) => (UnwindRule::FRAME, distance as u16),
            Self::Anchored(anchor) => (UnwindRule::ANCHORED, anchor as u16),
            Self::Realigned(distance) => (UnwindRule::REALIGNED, distance as u16),
        }
    }
}
