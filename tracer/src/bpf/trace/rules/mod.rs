//! What programs know of stacks, learned while tracing runs: they send the stacks that they could not
//! unwind, and get the unwind rules that were missing, or where frame records begin.

mod candidates;
mod evidence;
mod first_return;
mod frame;
mod learned;
mod sample;
mod solver;
mod table;

#[cfg(test)]
mod synthetic_kernel;

use std::os::fd::{AsFd as _, OwnedFd};

use anyhow::{Context as _, Result};
use aya::{
    Ebpf,
    maps::{MapData, RingBuf},
};
use tracer_ebpf::{maps, unwind::UnwindControl};

use self::{first_return::FirstReturns, learned::LearnedRules, sample::StackSample};
use super::tables;
use crate::kernel::kallsyms::InterruptEntries;

/// How stacks are unwound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwinding {
    /// By the kernel's unwinder, always.
    Kernel,
    /// By what lies on the stack.
    Stack {
        /// What that is.
        by: Layout,
        /// Of so many stacks unwound like that, the kernel unwinds one too.
        check_every: u64,
        /// The BTF id of `bpf_rdonly_cast`, if programs can read their stack with it; if not,
        /// they copy it.
        cast: Option<u32>,
    },
}

/// What a kernel stack has that leads from one return address to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Frames that have the same size at the same return address: rules are learned, as on x86-64.
    Rules,
    /// Frame records, as on arm64.
    Records {
        /// How far above the registers that an exception saved their record lies, in bytes; 0 where the
        /// record is one like others (before Linux 6.13).
        registers: u32,
    },
}

/// Learns from the samples that come in.
pub(super) struct StackLearner {
    samples: RingBuf<MapData>,
    learned: Learned,
}

enum Learned {
    Rules(Box<LearnedRules>),
    Records(Box<FirstReturns>),
}

impl StackLearner {
    /// Takes the maps of the object; nothing is known yet.
    pub(super) fn open(ebpf: &mut Ebpf, by: Layout, entries: &InterruptEntries) -> Result<Self> {
        let learned = match by {
            Layout::Rules => {
                let table = tables::map_rules(ebpf)?;
                Learned::Rules(Box::new(LearnedRules::new(table, entries.clone())))
            }
            Layout::Records { .. } => Learned::Records(Box::default()),
        };
        let samples = ebpf
            .take_map(maps::SAMPLES)
            .context("the BPF object lacks a map")?;
        Ok(Self {
            samples: RingBuf::try_from(samples)?,
            learned,
        })
    }

    /// A descriptor that is readable when there are samples.
    pub(super) fn descriptor(&self) -> Result<OwnedFd> {
        let samples = self.samples.as_fd().try_clone_to_owned();
        samples.context("cannot wait for samples of stacks")
    }

    /// Learns from one sample; gives whether there was one.
    pub(super) fn learn(&mut self) -> bool {
        let Some(bytes) = self.samples.next() else {
            return false;
        };
        let sample = StackSample::read(&bytes);
        drop(bytes);
        match (&mut self.learned, sample) {
            (Learned::Rules(rules), Some(sample)) => rules.learn(&sample),
            (Learned::Records(first), Some(sample)) => first.narrow(&sample.without_signatures()),
            (_, None) => (),
        }
        true
    }

    /// Has the programs forget which sites their unwinds led to, once they are told.
    pub(super) fn forget_unwinds(&mut self) {
        match &mut self.learned {
            Learned::Rules(rules) => rules.forget_unwinds(),
            // These are followed each time.
            Learned::Records(_) => (),
        }
    }

    /// What the programs have to know, beside the rules.
    pub(super) fn control(&self) -> UnwindControl {
        match &self.learned {
            Learned::Rules(rules) => rules.control(),
            Learned::Records(first) => {
                let first = first.first();
                UnwindControl {
                    first_return: first.offset,
                    frames_below: first.frames_below,
                    ..UnwindControl::default()
                }
            }
        }
    }
}
