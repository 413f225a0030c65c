//! Queries of what no file of the kernel tells: programs run on the spot by
//! `BPF_PROG_TEST_RUN` (Linux 5.10).

use anyhow::{Context as _, Result, bail};
use aya::{
    Ebpf,
    programs::{Program, RawTracePointRunOptions, TestRun as _},
};
use tracer_ebpf::{QueryConfig, programs};

use super::{
    PageArray, PageLayout,
    hooks::{self, Hook},
    object,
};

/// This process's id in the initial namespace, as the programs see it.
pub(super) fn own_process() -> Result<u32> {
    let mut ebpf = object::load_query(QueryConfig::DEFAULT)?;
    hooks::load(&mut ebpf, Hook::Raw, programs::OWN_PROCESS)?;
    run(&ebpf, programs::OWN_PROCESS, [0; 3])
}

/// Answers questions about page structs. An answer is a bit for each of 32 page frames,
/// the lowest for the first; none where BTF does not tell where to look, or the kernel
/// does not run the program.
pub struct PageStructs {
    ebpf: Ebpf,
    layout: PageLayout,
}

impl PageStructs {
    /// Prepares to ask; an error where the kernel does not load programs.
    pub fn new(array: PageArray) -> Result<Self> {
        let mut ebpf = object::load_query(QueryConfig {
            pages: array.into(),
            ..QueryConfig::DEFAULT
        })?;
        for program in [programs::PAGES_WITH_WORD, programs::LISTED_PAGES] {
            hooks::load(&mut ebpf, Hook::Raw, program)?;
        }
        let layout = array.layout;
        Ok(Self { ebpf, layout })
    }

    /// Whether nobody holds a reference to the page, and it has no type.
    ///
    /// So it is for free pages, but also for all but the first page of a block and, since Linux
    /// 6.14, for the kernel's own frozen pages (mm/internal.h, `alloc_frozen_pages`).
    pub fn unreferenced(&self, first: u64) -> Option<u32> {
        // The type, all ones for none, lies before the count (include/linux/mm_types.h), and on
        // a little-endian machine is the lower half of the word.
        let offset = self
            .layout
            .references?
            .checked_sub(size_of::<u32>() as u64)?;
        self.with_word(first, offset, u32::MAX.into())
    }

    /// Whether the page is on a list, as free pages are on those of the CPUs. What is taken
    /// off a list has poison in its links (include/linux/poison.h).
    pub fn listed(&self, first: u64) -> Option<u32> {
        let arguments = [first, self.layout.list?, 0];
        run(&self.ebpf, programs::LISTED_PAGES, arguments).ok()
    }

    /// Whether the page belongs to no file and to no anonymous memory (`mapping`).
    pub fn without_mapping(&self, first: u64) -> Option<u32> {
        self.with_word(first, self.layout.mapping?, 0)
    }

    fn with_word(&self, first: u64, offset: u64, value: u64) -> Option<u32> {
        let arguments = [first, offset, value];
        run(&self.ebpf, programs::PAGES_WITH_WORD, arguments).ok()
    }
}

/// What a program returns that is run with these arguments.
pub(super) fn run(ebpf: &Ebpf, name: &str, arguments: [u64; 3]) -> Result<u32> {
    let mut options = RawTracePointRunOptions::new();
    options.args[..3].copy_from_slice(&arguments);
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
        let structs = PageStructs::new(array).expect("root may load programs");
        let [unreferenced, listed, without_mapping] = [
            PageStructs::unreferenced,
            PageStructs::listed,
            PageStructs::without_mapping,
        ]
        .map(|ask| {
            let structs = &structs;
            move |frame| ask(structs, frame).expect("it runs") & 1 == 1
        });
        let page = vec![1_u8; 2 * rustix::param::page_size()];
        let own = own_frame(&page);
        assert!(!unreferenced(own) && !without_mapping(own));
        // Of a free block the first page is on a list and has a type; somebody may take one now.
        let free = || free_frames(&flags).take(10_000);
        assert!(free().any(|frame| unreferenced(frame) && !listed(frame)));
        assert!(free().any(|frame| listed(frame) && without_mapping(frame)));
    }
}
