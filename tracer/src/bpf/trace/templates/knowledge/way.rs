//! Ways from one return address of a stack to the place of the next.

use tracer_ebpf::{STACK_SIZE, Template, code};

use super::super::sample::{StackSample, WORD};

/// Where the next return address lies, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// So far above.
    Frame(u64),
    /// At this place of the stack.
    Anchored(u64),
    /// So far above, or a word further.
    Realigned(u64),
}

impl Way {
    /// Where it leads from `place`, as the programs go.
    pub(super) fn from(self, place: u64, sample: &StackSample) -> u64 {
        match self {
            Self::Frame(distance) => place.wrapping_add(distance),
            Self::Anchored(anchor) => anchor.wrapping_sub(sample.context) % STACK_SIZE,
            Self::Realigned(distance) => {
                let place = place.wrapping_add(distance);
                let word = sample.word(place).unwrap_or(0);
                place.wrapping_add((1 - code(word)) * WORD)
            }
        }
    }

    /// Kind and place of a template that goes this way.
    pub(super) const fn template(self) -> (u16, u16) {
        // Places are only noted below 2^16.
        match self {
            Self::Frame(distance) => (Template::FRAME, distance as u16),
            Self::Anchored(anchor) => (Template::ANCHORED, anchor as u16),
            Self::Realigned(distance) => (Template::REALIGNED, distance as u16),
        }
    }
}
