//! Questions to the kernel that no file answers: programs run on the spot by
//! `BPF_PROG_TEST_RUN` (Linux 5.10).

use anyhow::{Context as _, Result};
use aya::{
    Ebpf,
    programs::{RawTracePoint, RawTracePointRunOptions, TestRun as _},
};
use tracer_ebpf::{INQUIRED_FRAMES, programs};

use super::{
    PageArray,
    hooks::{self, Hook},
    object,
};

/// This process's id in the initial namespace, as the programs see it.
pub(super) fn own_process(ebpf: &mut Ebpf) -> Result<u32> {
    hooks::load(ebpf, Hook::Raw, programs::OWN_PROCESS)?;
    run(ebpf, programs::OWN_PROCESS, 0)
}

/// Answers which pages nobody holds a reference to.
pub struct PageReferences {
    ebpf: Ebpf,
}

impl PageReferences {
    /// Prepares to ask; an error where the kernel does not run programs on the spot.
    pub fn new(array: PageArray) -> Result<Self> {
        let references = array.layout.references;
        let references =
            references.context("BTF does not tell where a page counts its references")?;
        let mut ebpf = object::load_for_pages(array, references)?;
        hooks::load(&mut ebpf, Hook::Raw, programs::UNREFERENCED_PAGES)?;
        Ok(Self { ebpf })
    }

    /// A bit for each of the 32 page frames from `first` on, the lowest for the
    /// first: whether nobody holds a reference to the page.
    ///
    /// So it is for free pages, but also for all but the first page of a block and, since Linux
    /// 6.14, for the kernel's own frozen pages (mm/internal.h, `alloc_frozen_pages`).
    pub fn unreferenced(&mut self, first: u64) -> Result<u32> {
        run(&mut self.ebpf, programs::UNREFERENCED_PAGES, first)
    }

    /// How many page frames one question is about.
    pub const FRAMES: u64 = INQUIRED_FRAMES as u64;
}

fn run(ebpf: &mut Ebpf, name: &str, argument: u64) -> Result<u32> {
    let mut options = RawTracePointRunOptions::new();
    options.args[0] = argument;
    let program: &mut RawTracePoint = hooks::program(ebpf, name)?;
    let result = program
        .test_run(options)
        .with_context(|| format!("the kernel does not run the program {name}"))?;
    Ok(result.return_value)
}
