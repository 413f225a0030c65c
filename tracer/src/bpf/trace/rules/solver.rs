//! Picks candidates that lead through a whole stack, past stale copies of return addresses.

use tracer_ebpf::unwind::UnwindRule;

use super::{candidates::CandidateOffset, frame::FrameEvidence, sample::StackSample};

/// How many frames to try before giving up.
const TRIES: u32 = 1_000;

/// A depth-first search.
struct Solver<'a, F> {
    sample: &'a StackSample,
    frames: &'a [u64],
    evidence: F,
    tries: u32,
}

/// A candidate for each of `frames` but the last, so that together they lead from the offset
/// `first` to the end of the stack; none where there is no choice. Empty if there is no solution.
pub(super) fn solve<'a>(
    sample: &'a StackSample,
    frames: &'a [u64],
    first: u64,
    evidence: impl Fn(u64) -> Option<&'a FrameEvidence>,
) -> Vec<Option<CandidateOffset>> {
    let mut solver = Solver {
        sample,
        frames,
        evidence,
        tries: TRIES,
    };
    let solution = solver.from(0, first).unwrap_or_default();
    solution.into_iter().rev().collect()
}

impl<'a, F: Fn(u64) -> Option<&'a FrameEvidence>> Solver<'a, F> {
    /// The candidates from frame `i` at `offset` on, outermost first; none if it is a dead end.
    fn from(&mut self, i: usize, offset: u64) -> Option<Vec<Option<CandidateOffset>>> {
        self.tries = self.tries.checked_sub(1)?;
        let ip = *self.frames.get(i)?;
        let Some(&next) = self.frames.get(i + 1) else {
            return self.is_end(ip, offset).then(Vec::new);
        };
        // Nothing tells how the stack goes on from here.
        let Some(steps) = self.steps(ip, offset, next) else {
            return Some(Vec::new());
        };
        steps.into_iter().find_map(|(candidate, to)| {
            let mut solution = self.from(i + 1, to)?;
            solution.push(candidate);
            Some(solution)
        })
    }

    /// Where `next` can lie, with the candidate if there is a choice; none if nothing tells.
    fn steps(
        &self,
        ip: u64,
        offset: u64,
        next: u64,
    ) -> Option<Vec<(Option<CandidateOffset>, u64)>> {
        let frame = (self.evidence)(ip)?;
        match frame.kind() {
            (UnwindRule::FRAME | UnwindRule::ANCHORED | UnwindRule::REALIGNED, _) => {
                let steps = frame.candidates();
                let steps = steps.map(|it| (Some(it), it.follow(offset, self.sample)));
                let steps = steps.filter(|&(_, to)| self.sample.get(to) == Some(next));
                Some(steps.collect())
            }
            (UnwindRule::REGISTERS, _) => {
                let to = self.sample.interrupted_at(&[offset], next).next()?;
                Some(vec![(None, to)])
            }
            _ => None,
        }
    }

    /// Whether a stack whose outermost return address is `ip` can end at `offset`.
    fn is_end(&self, ip: u64, offset: u64) -> bool {
        let is_user_above = |offset| self.sample.is_user_above(offset);
        is_user_above(offset) || !self.sample.offsets_of(ip).any(is_user_above)
    }
}
