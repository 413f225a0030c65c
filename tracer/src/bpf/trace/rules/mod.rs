//! Unwind rules, learned while tracing runs: the programs send the stacks that no rules
//! led through, and get the rules that were missing.

mod candidates;
mod evidence;
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

use self::{learned::LearnedRules, sample::StackSample};
use super::tables;
use crate::kernel::kallsyms::InterruptEntries;

/// How stacks are unwound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwinding {
    /// By the kernel's unwinder, always.
    Kernel,
    /// By rules, which are learned while tracing runs.
    Rules {
        /// Of so many stacks unwound by rules, the kernel unwinds one too.
        check_every: u64,
        /// The BTF id of `bpf_rdonly_cast`, if programs can read their stack with it; if not,
        /// they copy it.
        cast: Option<u32>,
    },
}

/// Learns rules from the samples that come in.
pub(super) struct RuleLearner {
    samples: RingBuf<MapData>,
    rules: LearnedRules,
}

impl RuleLearner {
    /// Takes the maps of the object; there are no rules yet.
    pub(super) fn open(ebpf: &mut Ebpf, entries: &InterruptEntries) -> Result<Self> {
        let rules = LearnedRules::new(tables::map_rules(ebpf)?, entries.clone());
        let samples = ebpf
            .take_map(maps::SAMPLES)
            .context("the BPF object lacks a map")?;
        Ok(Self {
            samples: RingBuf::try_from(samples)?,
            rules,
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
        if let Some(sample) = sample {
            self.rules.learn(&sample);
        }
        true
    }

    /// Has the programs forget which sites their unwinds led to, once they are told.
    pub(super) const fn forget_unwinds(&mut self) {
        self.rules.forget_unwinds();
    }

    /// What the programs have to know beside the rules.
    pub(super) const fn control(&self) -> UnwindControl {
        self.rules.control()
    }
}
