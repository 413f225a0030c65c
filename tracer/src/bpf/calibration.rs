//! Finds out where the array of all `struct page` begins.
//!
//! With `SPARSEMEM_VMEMMAP` the kernel keeps them in one virtual array, at a
//! place that KASLR picks and no file tells. To find it, pagetrace takes pages
//! of its own: `/proc/self/pagemap` says which page frames they are, and a
//! program on `mm_page_alloc` which `struct page` pointers passed by. The base
//! that explains every one of them is the answer.

use std::{collections::HashMap, fs::File, os::unix::fs::FileExt as _};

use anyhow::{Context as _, Result};
use aya::{Ebpf, maps::Queue};
use memmap2::{Advice, MmapMut, MmapOptions};
use tracer_ebpf::{maps, programs};

use super::{
    PageArray, PageLayout,
    hooks::{self, Hook},
};
use crate::kernel::{pagemap, tracepoint};

/// Pages taken for the calibration. More than fit in one page of `struct page`,
/// so that no run of neighbours explains a wrong base as well as the right one.
const PAGES: usize = 96;

/// How often to try: on a busy machine the pages of others can fill the queue
/// while this process waits for its turn.
const TRIES: usize = 5;

/// Finds the array by watching this process take pages. None if they do not
/// lie in one array; an error if BPF does not work.
pub(super) fn calibrate(ebpf: &mut Ebpf, layout: PageLayout) -> Result<Option<PageArray>> {
    hooks::load(ebpf, Hook::Raw, programs::PROBE_PAGE_POINTER)?;
    for _ in 0..TRIES {
        let (frames, pointers) = watch_own_pages(ebpf)?;
        if let Some(base) = vote(&frames, &pointers, layout.size) {
            return Ok(Some(PageArray { base, layout }));
        }
    }
    Ok(None)
}

/// The page frames this process took, and the page pointers seen meanwhile.
fn watch_own_pages(ebpf: &mut Ebpf) -> Result<(Vec<u64>, Vec<u64>)> {
    let program = programs::PROBE_PAGE_POINTER;
    let link = hooks::attach(ebpf, Hook::Raw, program, tracepoint::ALLOC)?;
    let frames = take_pages();
    hooks::detach(ebpf, program, link)?;
    Ok((frames?, probed_pages(ebpf)?))
}

fn take_pages() -> Result<Vec<u64>> {
    let page_size = rustix::param::page_size();
    let mut pages = MmapOptions::new().len(PAGES * page_size).map_anon()?;
    // Huge pages would make one event of all the pages; a kernel without them refuses.
    let _ = pages.advise(Advice::NoHugePage);
    for page in pages.chunks_mut(page_size) {
        page[0] = 1;
    }
    own_frames(&pages, page_size)
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

/// The base under which most of `frames` have their `struct page` among
/// `pointers`; none unless it explains nearly all of them.
fn vote(frames: &[u64], pointers: &[u64], page_struct_size: u64) -> Option<u64> {
    // An array of all page structs begins on a page of its own.
    const ALIGNMENT: u64 = 4096;
    let mut votes = HashMap::new();
    for &frame in frames {
        for &pointer in pointers {
            let base = pointer.wrapping_sub(frame.wrapping_mul(page_struct_size));
            if base % ALIGNMENT == 0 {
                *votes.entry(base).or_insert(0) += 1;
            }
        }
    }
    let (base, votes) = votes.into_iter().max_by_key(|&(_, votes)| votes)?;
    (votes * 10 >= frames.len() * 9).then_some(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: u64 = 0xffff_ea00_0000_0000;

    fn pointers(frames: impl Iterator<Item = u64>) -> Vec<u64> {
        frames.map(|frame| BASE + frame * 64).collect()
    }

    #[test]
    fn neighbours_among_strangers_are_found() {
        let frames: Vec<_> = (1000..1096).collect();
        let seen = pointers((0..4000).map(|i| i * 37 % 5000));
        let seen = [seen, pointers(frames.iter().copied())].concat();
        assert_eq!(vote(&frames, &seen, 64), Some(BASE));
    }

    #[test]
    fn scattered_frames_are_found() {
        let frames: Vec<_> = (0..96).map(|i| i * i * 31 + 7).collect();
        assert_eq!(
            vote(&frames, &pointers(frames.iter().copied()), 64),
            Some(BASE)
        );
    }

    #[test]
    fn pointers_of_other_pages_prove_nothing() {
        let frames: Vec<_> = (0..96).map(|i| i * i * 31 + 7).collect();
        assert_eq!(
            vote(&frames, &pointers((0..96).map(|i| i * i * 17)), 64),
            None
        );
        assert_eq!(vote(&frames, &[], 64), None);
    }
}
