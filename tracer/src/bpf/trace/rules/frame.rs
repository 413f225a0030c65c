//! What samples have shown of the frame above one return address.

use std::collections::BTreeSet;

use tracer_ebpf::{
    MAX_FRAMES,
    unwind::{STACK_SIZE, UnwindRule, WORD},
};

use super::{
    candidates::{CandidateOffset, Candidates},
    sample::StackSample,
};

/// What samples have shown of one return address.
#[derive(Clone, Debug, Default)]
pub(super) struct FrameEvidence {
    /// Distances to the next return address.
    distances: Candidates,
    /// Distances that are right or a word too short.
    realigned: Candidates,
    /// Offsets of the next return address from the start of the stack.
    anchors: Candidates,
    /// The candidate that agreed with those of the other frames on the last sample.
    solved: Option<CandidateOffset>,
    next: Option<Next>,
    /// Samples whose stack went on from here.
    samples: u32,
    ends: Ends,
    /// Whether the registers above explain how each stack went on; none before the first.
    from_registers: Option<bool>,
}

/// The return address after one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Always(u64),
    Various,
}

/// How stacks ended at a return address.
#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    at_interrupt: bool,
    in_user_mode: bool,
    otherwise: bool,
}

impl FrameEvidence {
    /// Notes that the site of a stack ends here, with the entry of an interrupt.
    pub(super) const fn end_at_interrupt(&mut self) {
        self.ends.at_interrupt = true;
    }

    /// Notes that a stack ends here; the return address was found at `offsets`. A stack that
    /// fills the sample may go on.
    pub(super) fn end(&mut self, sample: &StackSample, offsets: &[u64]) {
        if sample.frames.len() >= MAX_FRAMES {
            return;
        }
        if offsets.iter().any(|&offset| sample.is_user_above(offset)) {
            self.ends.in_user_mode = true;
        } else {
            self.ends.otherwise = true;
        }
    }

    /// Notes that a stack goes on with `next`; the return address was found at `offsets`. Gives
    /// the offsets of `next` if it was interrupted.
    pub(super) fn go_on(&mut self, sample: &StackSample, offsets: &[u64], next: u64) -> Vec<u64> {
        if offsets.is_empty() {
            return Vec::new();
        }
        self.samples = self.samples.saturating_add(1);
        self.next = match self.next {
            None => Some(Next::Always(next)),
            Some(Next::Always(before)) if before == next => self.next,
            Some(_) => Some(Next::Various),
        };
        self.narrow(sample, offsets, next);
        let interrupted: Vec<_> = sample.interrupted_at(offsets, next).collect();
        let explained = !interrupted.is_empty() && self.from_registers != Some(false);
        self.from_registers = Some(explained);
        interrupted
    }

    /// Keeps the candidates that lead from one of `offsets` to a copy of `next`.
    fn narrow(&mut self, sample: &StackSample, offsets: &[u64], next: u64) {
        let nexts: Vec<_> = sample.offsets_of(next).collect();
        let distances = offsets.iter().flat_map(|&offset| {
            let distances = nexts
                .iter()
                .filter_map(move |next| next.checked_sub(offset));
            distances.filter(|&distance| distance > 0 && distance <= u16::MAX.into())
        });
        let distances: BTreeSet<_> = distances.collect();
        let shorter = distances.iter().filter_map(|it| it.checked_sub(WORD));
        let shorter = shorter.filter(|&it| it > 0);
        self.realigned
            .narrow(shorter.chain(distances.iter().copied()).collect());
        self.distances.narrow(distances);
        // Only the frame of a system call has a random size, and it is the outermost but one.
        let is_outermost = sample.frames.last() == Some(&next);
        let anchors = nexts.iter().filter(|_| is_outermost);
        let anchors = anchors.map(|&next| sample.context.wrapping_add(next) % STACK_SIZE);
        self.anchors.narrow(anchors.collect());
    }

    /// Prefers the candidate that agrees with those of the other frames; none leaves it as it was.
    pub(super) fn solve(&mut self, candidate: Option<CandidateOffset>) {
        self.solved = candidate.or(self.solved);
    }

    /// The return address that has always followed.
    pub(super) const fn only_next(&self) -> Option<u64> {
        match self.next {
            Some(Next::Always(next)) => Some(next),
            _ => None,
        }
    }

    /// The rule without a return address and without what follows the first `next`.
    pub(super) fn head(&self) -> UnwindRule {
        let (kind, offset) = self.kind();
        let mut rule = UnwindRule {
            kind,
            run: u16::from(offset != 0),
            ..UnwindRule::NONE
        };
        rule.offsets[0] = offset;
        rule
    }

    /// Kind and offset of the rule.
    pub(super) fn kind(&self) -> (u16, u16) {
        let Ends {
            at_interrupt,
            in_user_mode,
            otherwise,
        } = self.ends;
        let goes_on = self.next.is_some();
        match self.from_registers {
            _ if at_interrupt => (UnwindRule::END, 0),
            // No rule tells a stack that ends here from one that goes on.
            _ if otherwise && goes_on => (UnwindRule::OPAQUE, 0),
            _ if otherwise => (UnwindRule::END, 0),
            None if in_user_mode => (UnwindRule::REGISTERS, 0),
            Some(true) => (UnwindRule::REGISTERS, 0),
            Some(false) if in_user_mode => (UnwindRule::OPAQUE, 0),
            _ => {
                let best = self.candidates().next();
                best.map_or((UnwindRule::OPAQUE, 0), CandidateOffset::rule)
            }
        }
    }

    /// The candidates for the place of the next return address, the likeliest first.
    pub(super) fn candidates(&self) -> impl Iterator<Item = CandidateOffset> {
        let frames = self.distances.all().map(CandidateOffset::Frame);
        let anchors = self.anchors.all().map(CandidateOffset::Anchored);
        let realigned = self.realigned.all().map(CandidateOffset::Realigned);
        let all = || frames.chain(anchors).chain(realigned);
        let solved = self.solved.filter(|it| all.clone()().any(|one| one == *it));
        let others = all().filter(move |&it| Some(it) != solved);
        solved.into_iter().chain(others)
    }

    /// Whether the rule may be published. If two offsets of one kind remain possible, only after
    /// eight samples: by then the spurious offset consistently holds the same return address.
    pub(super) fn is_certain(&self) -> bool {
        const ENOUGH: u32 = 8;
        let kinds = [&self.distances, &self.anchors, &self.realigned];
        let counts = kinds.map(|it| it.all().count());
        let count = counts.into_iter().find(|&count| count > 0);
        self.samples >= ENOUGH || count.is_none_or(|count| count == 1)
    }
}
