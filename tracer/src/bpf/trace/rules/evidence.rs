//! What samples have shown of all frames.
//!
//! A word on a stack that looks like the next return address may be a stale copy
//! of it. So the distance between any two copies is a candidate, and each further
//! sample removes those that are impossible on it. The true distance stays, most others
//! go. Of the rest, the [solver](super::solver) picks distances that together lead
//! through the whole of the last stack.

use std::collections::HashMap;

use tracer_ebpf::unwind::{RUN, UnwindRule};

use super::{
    first_return::{FirstReturn, FirstReturns},
    frame::FrameEvidence,
    sample::StackSample,
    solver,
};
use crate::kernel::kallsyms::InterruptEntries;

/// What samples have shown so far.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    entries: InterruptEntries,
    first: FirstReturns,
    /// The first return address above the context on the last sample.
    first_ip: u64,
    frames: HashMap<u64, FrameEvidence>,
}

/// What one sample changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// The return addresses on it.
    pub(super) ips: Vec<u64>,
    /// Whether it contradicts a rule made before.
    pub(super) contradicts: bool,
}

impl Evidence {
    /// Of a kernel that interrupts enter there.
    pub(super) fn new(entries: InterruptEntries) -> Self {
        Self {
            entries,
            ..Self::default()
        }
    }

    /// Where programs start to unwind.
    pub(super) fn first_return(&self) -> FirstReturn {
        self.first.first()
    }

    /// How far above the programs' context the first return address lies that differs between
    /// stacks, in bytes; 0 if that is not known.
    pub(super) fn discriminator_offset(&self) -> u32 {
        let rule = self.rule(self.first_ip);
        let run = rule.filter(|it| it.kind == UnwindRule::FRAME);
        run.map_or(0, |it| {
            let last = it.offsets[usize::from(it.run) - 1];
            self.first_return().offset + u32::from(last)
        })
    }

    /// Adds a sample.
    pub(super) fn add(&mut self, sample: &StackSample) -> Change {
        let before = self.first_return();
        self.first.narrow(sample);
        let mut contradicts = self.first_return() != before;
        // The frames below are the tracer's own.
        let first = self.first_return();
        let frames = sample.frames.get(first.frames_below as usize..);
        let frames = self.site_frames(frames.unwrap_or_default());
        self.first_ip = frames.first().copied().unwrap_or(self.first_ip);
        let known: Vec<_> = frames.iter().map(|&ip| self.head(ip)).collect();
        self.narrow(sample, frames);
        self.solve(sample, frames, first.offset.into());
        for (&ip, known) in frames.iter().zip(known) {
            contradicts |= known.is_some() && known != self.head(ip);
        }
        Change {
            ips: frames.to_vec(),
            contradicts,
        }
    }

    /// The frames that make a call site: down to the entry of the innermost interrupt.
    fn site_frames<'a>(&self, frames: &'a [u64]) -> &'a [u64] {
        let entry = frames.iter().position(|&ip| self.entries.contain(ip));
        entry.map_or(frames, |entry| &frames[..=entry])
    }

    /// Removes the candidates that are impossible on this sample.
    fn narrow(&mut self, sample: &StackSample, frames: &[u64]) {
        // Offsets of the frame if it was interrupted.
        let mut interrupted = Vec::new();
        for (i, &ip) in frames.iter().enumerate() {
            let offsets: Vec<_> = sample.offsets_of(ip).chain(interrupted.drain(..)).collect();
            let is_interrupt = self.entries.contain(ip);
            let frame = self.frames.entry(ip).or_default();
            match frames.get(i + 1) {
                _ if is_interrupt => frame.end_at_interrupt(),
                None => frame.end(sample, &offsets),
                Some(&next) => interrupted = frame.go_on(sample, &offsets, next),
            }
        }
    }

    /// Picks candidates that lead through the whole stack, if there are such.
    fn solve(&mut self, sample: &StackSample, frames: &[u64], first: u64) {
        let solution = solver::solve(sample, frames, first, |ip| self.frames.get(&ip));
        for (ip, candidate) in frames.iter().zip(solution) {
            if let Some(frame) = self.frames.get_mut(ip) {
                frame.solve(candidate);
            }
        }
    }

    /// The rule of a return address, with the return addresses that it predicts; none while two
    /// would be possible.
    pub(super) fn rule(&self, ip: u64) -> Option<UnwindRule> {
        let frame = self.frames.get(&ip).filter(|it| it.is_certain())?;
        let mut rule = UnwindRule { ip, ..frame.head() };
        if rule.kind == UnwindRule::FRAME {
            self.predict(&mut rule);
        }
        Some(rule)
    }

    /// Adds the return addresses that have always followed so far.
    fn predict(&self, rule: &mut UnwindRule) {
        let mut ip = rule.ip;
        for i in 0..RUN {
            let Some(next) = self.frames.get(&ip).and_then(FrameEvidence::only_next) else {
                return;
            };
            rule.next[i] = next;
            let following = self.frames.get(&next).filter(|it| it.is_certain());
            let following = following.map(FrameEvidence::head);
            let following = following.filter(|it| it.kind == UnwindRule::FRAME);
            let offset = following.and_then(|it| rule.offsets[i].checked_add(it.offsets[0]));
            let Some(offset) = offset else {
                return;
            };
            if i + 1 < RUN {
                rule.offsets[i + 1] = offset;
                rule.run += 1;
            }
            ip = next;
        }
    }

    fn head(&self, ip: u64) -> Option<UnwindRule> {
        self.frames.get(&ip).map(FrameEvidence::head)
    }

    /// All return addresses that samples had.
    pub(super) fn ips(&self) -> impl Iterator<Item = u64> {
        self.frames.keys().copied()
    }
}
