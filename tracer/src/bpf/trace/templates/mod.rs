//! Templates, made while tracing runs: the programs send the stacks that they
//! cannot unwind by templates yet, and get the templates that were missing.

mod knowledge;
mod sample;
mod table;

use std::os::fd::{AsFd as _, OwnedFd};

use anyhow::{Context as _, Result};
use aya::{
    Ebpf,
    maps::{MapData, RingBuf},
};
use tracer_ebpf::maps;

pub(super) use self::knowledge::FirstReturn;
use self::{knowledge::Knowledge, sample::StackSample, table::TemplateTable};
use super::tables;
use crate::kernel::kallsyms::InterruptEntries;

/// How stacks are unwound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwinding {
    /// By the kernel, always.
    Kernel,
    /// By templates, which are made while tracing runs.
    Templates {
        /// Of so many stacks unwound by templates, the kernel unwinds one too.
        check_every: u64,
        /// The BTF id of `bpf_rdonly_cast`, if programs can read their stack with it; if not,
        /// they copy it.
        cast: Option<u32>,
    },
}

/// The samples that come in, what they taught, and the templates made of that.
pub(super) struct Lessons {
    samples: RingBuf<MapData>,
    knowledge: Knowledge,
    table: TemplateTable,
    revision: u32,
    parting: u32,
}

impl Lessons {
    /// Nothing is known yet.
    pub(super) fn open(ebpf: &mut Ebpf, entries: &InterruptEntries) -> Result<Self> {
        let table = TemplateTable::new(tables::map_templates(ebpf)?);
        let samples = ebpf
            .take_map(maps::SAMPLES)
            .context("the BPF object lacks a map")?;
        Ok(Self {
            samples: RingBuf::try_from(samples)?,
            knowledge: Knowledge::new(entries.clone()),
            table,
            revision: 0,
            parting: 0,
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
            self.learn_from(&sample);
        }
        true
    }

    fn learn_from(&mut self, sample: &StackSample) {
        let lesson = self.knowledge.learn(sample);
        // What was wrong may be part of any other template.
        let ips = if lesson.revised {
            self.revision = self.revision.wrapping_add(1);
            self.knowledge.ips().collect()
        } else {
            lesson.ips
        };
        for ip in ips {
            match self.knowledge.template(ip) {
                Some(template) => self.table.install(&template),
                None => self.table.remove(ip),
            }
        }
        self.parting = self.knowledge.parting();
    }

    /// Where the programs are to begin.
    pub(super) fn first_return(&self) -> FirstReturn {
        self.knowledge.first_return()
    }

    /// How often templates turned out wrong.
    pub(super) fn revision(&self) -> u32 {
        self.revision
    }

    /// How far above the programs' context stacks begin to differ, in bytes.
    pub(super) fn parting(&self) -> u32 {
        self.parting
    }
}
