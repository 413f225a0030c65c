//! A first look at the kernel, before any table is made.

use anyhow::Result;
use aya::Ebpf;

use super::{PageArray, PageLayout, calibration, cast, object, queries};

/// The programs with tables as small as they can be.
pub(super) struct Probe {
    ebpf: Ebpf,
}

impl Probe {
    /// Parses the programs; an error if BPF does not work.
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            ebpf: object::load_small()?,
        })
    }

    /// This process's id in the initial namespace, where the programs see it.
    pub(super) fn own_process(&mut self) -> Result<u32> {
        queries::own_process(&mut self.ebpf)
    }

    /// Whether programs can read their stack by the kernel's function with this BTF id.
    pub(super) fn reads_stacks(&self, cast: u32) -> bool {
        cast::reads_stacks(cast)
    }

    /// Finds the array of page structs; none if they do not lie in one.
    pub(super) fn page_array(&mut self, layout: PageLayout) -> Result<Option<PageArray>> {
        calibration::calibrate(&mut self.ebpf, layout)
    }
}
