//! A first look at the kernel, before any table is made.

use anyhow::Result;

use super::{PageArray, PageLayout, calibration, cast, inquiries, object};

/// What the programs say of the kernel, with tables as small as they can be.
pub struct Probe {
    own_process: u32,
}

impl Probe {
    /// Runs a first program; an error if BPF does not work.
    pub fn new() -> Result<Self> {
        let own_process = inquiries::own_process(&mut object::load_small()?)?;
        Ok(Self { own_process })
    }

    /// This process's id in the initial namespace, where the programs see it.
    pub(super) const fn own_process(&self) -> u32 {
        self.own_process
    }

    /// Whether programs can read their stack by the kernel's function with this BTF id.
    pub(super) fn reads_stacks(&self, cast: u32) -> bool {
        cast::reads_stacks(cast)
    }

    /// Finds the array of page structs, or says why it cannot be told; an error
    /// if BPF does not work.
    pub fn page_array(&self, layout: PageLayout) -> Result<Result<PageArray, &'static str>> {
        let mut ebpf = object::load_for_calibration(self.own_process)?;
        calibration::calibrate(&mut ebpf, layout)
    }
}
