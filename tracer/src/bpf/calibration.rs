//! Finds out where the array of all `struct page` begins.
//!
//! With `SPARSEMEM_VMEMMAP` the kernel keeps them in one virtual array, at a
//! place that KASLR picks and no file tells. To find it, pagetrace takes pages
//! of its own: `/proc/self/pagemap` says which page frames they are, and a
//! program on `mm_page_alloc` which `struct page` pointers passed by while this
//! process ran. The base that explains every one of them is the answer, if it
//! explains a second set of pages, too.

mod vote;

use std::{fs::File, os::unix::fs::FileExt as _};

use anyhow::{Context as _, Result};
use aya::{Ebpf, maps::Queue};
use memmap2::{Advice, MmapMut, MmapOptions};
use tracer_ebpf::{maps, programs};

use super::{
    PageArray, PageLayout,
    hooks::{self, Hook},
};
use crate::kernel::{pagemap, tracepoint};

/// Pages in a set. More than fit in one page of `struct page`, so that no run
/// of neighbours explains a wrong base as well as the right one.
const PAGES: usize = 96;

/// How often to try: interrupts on top of this process take pages, too.
const TRIES: usize = 5;

/// Finds the array by watching this process take pages, or says why it cannot
/// be told; an error if BPF does not work.
pub(super) fn calibrate(
    ebpf: &mut Ebpf,
    layout: PageLayout,
) -> Result<Result<PageArray, &'static str>> {
    let program = programs::PROBE_PAGE_POINTER;
    hooks::load(ebpf, Hook::Raw, program)?;
    let link = hooks::attach(ebpf, Hook::Raw, program, tracepoint::ALLOC)?;
    let base = find_base(ebpf, layout.size);
    hooks::detach(ebpf, program, link)?;
    Ok(base?.map(|base| PageArray { base, layout }))
}

fn find_base(ebpf: &mut Ebpf, page_struct_size: u64) -> Result<Result<u64, &'static str>> {
    let mut found = watch_two_sets(ebpf, page_struct_size)?;
    for _ in 1..TRIES {
        if found.is_ok() {
            break;
        }
        found = watch_two_sets(ebpf, page_struct_size)?;
    }
    Ok(found)
}

/// The base that two sets of pages agree on.
fn watch_two_sets(ebpf: &mut Ebpf, page_struct_size: u64) -> Result<Result<u64, &'static str>> {
    // Held, so that the second has other pages.
    let first = WatchedPages::take(ebpf)?;
    let second = WatchedPages::take(ebpf)?;
    let bases = [first, second].map(|set| vote::vote(&set.frames, &set.pointers, page_struct_size));
    Ok(match bases {
        [Ok(first), Ok(second)] if first != second => {
            Err("two sets of pages disagree on where the array of page structs begins")
        }
        [first, second] => first.and(second),
    })
}

/// Pages that this process took while the program watched.
struct WatchedPages {
    _pages: MmapMut,
    frames: Vec<u64>,
    /// Page pointers seen meanwhile.
    pointers: Vec<u64>,
}

impl WatchedPages {
    fn take(ebpf: &mut Ebpf) -> Result<Self> {
        let page_size = rustix::param::page_size();
        let mut pages = MmapOptions::new().len(PAGES * page_size).map_anon()?;
        // Huge pages would make one event of all the pages; a kernel without them refuses.
        let _ = pages.advise(Advice::NoHugePage);
        for page in pages.chunks_mut(page_size) {
            page[0] = 1;
        }
        Ok(Self {
            frames: own_frames(&pages, page_size)?,
            pointers: probed_pages(ebpf)?,
            _pages: pages,
        })
    }
}

fn own_frames(pages: &MmapMut, page_size: usize) -> Result<Vec<u64>> {
    let pagemap = File::open("/proc/self/pagemap").context("cannot open /proc/self/pagemap")?;
    let mut entries = [[0; pagemap::ENTRY_LEN]; PAGES];
    let first = pages.as_ptr().addr() / page_size * pagemap::ENTRY_LEN;
    pagemap
        .read_exact_at(entries.as_flattened_mut(), first as u64)
        .context("cannot read /proc/self/pagemap")?;
    let frames: Vec<_> = entries
        .into_iter()
        .filter_map(|entry| pagemap::frame(u64::from_ne_bytes(entry)))
        .collect();
    Ok(frames)
}

fn probed_pages(ebpf: &mut Ebpf) -> Result<Vec<u64>> {
    let map = ebpf
        .map_mut(maps::PROBED_PAGES)
        .context("the BPF object lacks a map")?;
    let mut queue: Queue<_, u64> = Queue::try_from(map)?;
    Ok(std::iter::from_fn(|| queue.pop(0).ok()).collect())
}
