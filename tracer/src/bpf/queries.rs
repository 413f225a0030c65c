//! Queries of what no file of the kernel tells: programs run on the spot by
//! `BPF_PROG_TEST_RUN` (Linux 5.10).

use anyhow::{Context as _, Result, bail};
use aya::{
    Ebpf,
    programs::{Program, RawTracePointRunOptions, TestRun as _},
};
use tracer_ebpf::{QUERIED_FRAMES, QueryConfig, programs};

use super::{
    PageArray,
    hooks::{self, Hook},
    object,
};

/// This process's id in the initial namespace, as the programs see it.
pub(super) fn own_process() -> Result<u32> {
    let mut ebpf = object::load_query(QueryConfig::DEFAULT)?;
    hooks::load(&mut ebpf, Hook::Raw, programs::OWN_PROCESS)?;
    run(&ebpf, programs::OWN_PROCESS, 0)
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
        let mut ebpf = object::load_query(QueryConfig {
            pages: array.into(),
            references,
            ..QueryConfig::DEFAULT
        })?;
        hooks::load(&mut ebpf, Hook::Raw, programs::UNREFERENCED_PAGES)?;
        Ok(Self { ebpf })
    }

    /// A bit for each of the 32 page frames from `first` on, the lowest for the
    /// first: whether nobody holds a reference to the page, and it has no type.
    ///
    /// So it is for free pages, but also for all but the first page of a block and, since Linux
    /// 6.14, for the kernel's own frozen pages (mm/internal.h, `alloc_frozen_pages`).
    pub fn unreferenced(&self, first: u64) -> Result<u32> {
        run(&self.ebpf, programs::UNREFERENCED_PAGES, first)
    }

    /// How many page frames one question is about.
    pub const FRAMES: u64 = QUERIED_FRAMES as u64;
}

fn run(ebpf: &Ebpf, name: &str, argument: u64) -> Result<u32> {
    let mut options = RawTracePointRunOptions::new();
    options.args[0] = argument;
    let Some(Program::RawTracePoint(program)) = ebpf.program(name) else {
        bail!("the BPF object has no program {name}");
    };
    let result = program
        .test_run(options)
        .with_context(|| format!("the kernel does not run the program {name}"))?;
    Ok(result.return_value)
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Write as _, os::unix::fs::FileExt as _};

    use super::*;
    use crate::{
        bpf::Features,
        kernel::{host, pageflags::PageFlagsFile, pagemap},
        model::PageState,
    };

    /// Free page frames among the highest of the machine, the first of 32 neighbours
    /// each: the kernel takes others first.
    fn free_frames(flags: &PageFlagsFile) -> impl Iterator<Item = u64> {
        let zones = host::zones().expect("every kernel has zones");
        let end = zones.iter().map(|zone| zone.frames.end).max();
        let groups = (0..end.expect("some zone") / 32).rev();
        groups.map(|group| group * 32).filter(|&frame| {
            let flags = flags.read(frame, 1).expect("root may read them");
            flags.first().map(|it| it.state()) == Some(PageState::Free)
        })
    }

    /// A page frame of this process.
    fn own_frame(page: &[u8]) -> u64 {
        let pagemap = File::open("/proc/self/pagemap").expect("every process has it");
        let mut entry = [0; pagemap::ENTRY_LEN];
        let at = page.as_ptr().addr() / rustix::param::page_size() * pagemap::ENTRY_LEN;
        pagemap
            .read_exact_at(&mut entry, at as u64)
            .expect("a page of ours");
        pagemap::frame(u64::from_ne_bytes(entry)).expect("root may see it")
    }

    #[test]
    fn free_pages_are_told_from_held_ones() {
        let Ok(flags) = host::page_flags() else {
            // Written directly: the print macros are captured.
            let skipped = "SKIPPED free_pages_are_told_from_held_ones: needs root";
            writeln!(std::io::stderr(), "{skipped}").expect("stderr is open");
            return;
        };
        let features = Features::probe().expect("root may load programs");
        assert!(features.own_process > 0);
        let array = features.page_array;
        let array = array.expect("a kernel with an array of page structs");
        let references = PageReferences::new(array).expect("root may load programs");
        let unreferenced = |frame| references.unreferenced(frame).expect("it runs") & 1;
        let page = vec![1_u8; 2 * rustix::param::page_size()];
        assert_eq!(unreferenced(own_frame(&page)), 0);
        // The first page of a free block has a type, and somebody may take one now.
        let mut answers = free_frames(&flags).take(10_000).map(unreferenced);
        assert!(answers.any(|answer| answer == 1));
    }
}
