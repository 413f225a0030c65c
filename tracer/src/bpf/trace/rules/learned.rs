//! The rules that samples have led to, as the programs get them.

use memmap2::MmapRaw;
use tracer_ebpf::unwind::UnwindControl;

use super::{evidence::Evidence, sample::StackSample, table::RuleWriter};
use crate::kernel::kallsyms::InterruptEntries;

/// The evidence and the rules made of it.
pub(super) struct LearnedRules {
    evidence: Evidence,
    table: RuleWriter,
    control: UnwindControl,
}

impl LearnedRules {
    /// No rules yet, in a mapping of the rule table; interrupts enter the kernel at `entries`.
    pub(super) fn new(table: MmapRaw, entries: InterruptEntries) -> Self {
        Self {
            evidence: Evidence::new(entries),
            table: RuleWriter::new(table),
            control: UnwindControl::default(),
        }
    }

    /// Adds a sample, and publishes the rules that it changed.
    pub(super) fn learn(&mut self, sample: &StackSample) {
        let change = self.evidence.add(sample);
        // A wrong rule may be part of any other.
        let ips = if change.contradicts {
            self.forget_unwinds();
            self.evidence.ips().collect()
        } else {
            change.ips
        };
        for ip in ips {
            match self.evidence.rule(ip) {
                Some(rule) => self.table.publish(&rule),
                None => self.table.withdraw(ip),
            }
        }
        let first = self.evidence.first_return();
        self.control.first_return = first.offset;
        self.control.frames_below = first.frames_below;
        self.control.discriminator_offset = self.evidence.discriminator_offset();
    }

    /// Has every unwind that a CPU keeps in mind forgotten.
    pub(super) const fn forget_unwinds(&mut self) {
        self.control.generation = self.control.generation.wrapping_add(1);
    }

    /// What the programs have to know beside the rules.
    pub(super) const fn control(&self) -> UnwindControl {
        self.control
    }
}

#[cfg(test)]
#[path = "learned_tests.rs"]
mod tests;
