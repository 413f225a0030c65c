//! Which page frames are of vmalloc, and who asked for them.
//!
//! What vmalloc keeps of its areas lies in slabs, and every slab's page frames are known. Where a page
//! frame's memory is seen by the kernel (its direct map) follows from the caches, which lie in slabs
//! themselves.

use std::{collections::HashSet, ops::Range};

use anyhow::Result;

use super::{KernelMemory, PageArray};
use crate::kernel::{
    btf::Btf,
    page_census::VmallocFrames,
    vmalloc_area::{VmallocLayout, VmallocMemory, VmapArea},
};

/// Bytes of a page frame on x86-64.
const PAGE: u64 = 4096;

/// What is known of slabs: the page frames of each, with the address of its cache.
type Slabs<'a> = &'a [(u64, Range<u64>)];

/// How to find the areas of vmalloc.
#[derive(Clone, Copy, Debug)]
pub struct VmallocSource {
    layout: VmallocLayout,
    /// Where a cache has the distance between two of its objects, in bytes (`kmem_cache.size`).
    cache_size: u64,
}

impl VmallocSource {
    /// As BTF describes it.
    pub fn of(btf: &Btf<'_>) -> Result<Self> {
        Ok(Self {
            layout: VmallocLayout::of(btf)?,
            cache_size: btf.member_offset("kmem_cache", "size")?.into(),
        })
    }

    /// Page frames of vmalloc; none where the kernel's memory is not laid out as is known.
    pub fn frames(
        &self,
        memory: &mut KernelMemory,
        array: PageArray,
        slabs: Slabs<'_>,
    ) -> Option<VmallocFrames> {
        let base = direct_map(slabs)?;
        let mut frames = VmallocFrames::default();
        for (cache, stride) in caches(memory, self.cache_size, self.layout.area_size, slabs) {
            let of_cache = slabs.iter().filter(|(owner, _)| *owner == cache);
            for (_, slab) in of_cache {
                for area in areas(memory, &self.layout, base, slab, stride) {
                    add(memory, array, &self.layout, area, &mut frames);
                }
            }
        }
        Some(frames)
    }
}

/// Where the direct map begins: caches lie in slabs, so that for each of them some slab's page frame
/// leads to the same beginning, which is a multiple of 1 GiB (KASLR; arch/x86/mm/kaslr.c).
fn direct_map(slabs: Slabs<'_>) -> Option<u64> {
    const ALIGNMENT: u64 = 1 << 30;
    let caches: HashSet<u64> = slabs.iter().map(|(cache, _)| *cache).collect();
    let beginnings = |cache: u64| {
        let page = cache - cache % PAGE;
        let frames = slabs.iter().flat_map(|(_, frames)| frames.clone());
        let bases = frames.filter_map(move |frame| page.checked_sub(frame * PAGE));
        bases
            .filter(|base| base % ALIGNMENT == 0)
            .collect::<HashSet<_>>()
    };
    let mut caches = caches.into_iter().filter(|&cache| cache > PAGE);
    let mut common = beginnings(caches.next()?);
    for cache in caches {
        if common.len() < 2 {
            break;
        }
        let others = beginnings(cache);
        common.retain(|base| others.contains(base));
    }
    (common.len() == 1).then(|| common.into_iter().next())?
}

/// The caches whose objects are so large, each with the distance between two. SLUB keeps objects of
/// about the same size in one cache, whatever they are.
fn caches(
    memory: &mut KernelMemory,
    cache_size: u64,
    object: usize,
    slabs: Slabs<'_>,
) -> Vec<(u64, usize)> {
    let caches: HashSet<u64> = slabs.iter().map(|(cache, _)| *cache).collect();
    let mut found = Vec::new();
    for cache in caches {
        let bytes = memory.read(cache.wrapping_add(cache_size), size_of::<u32>());
        let stride = bytes.and_then(|bytes| bytes.try_into().ok());
        let stride = stride.map(u32::from_ne_bytes).unwrap_or(0) as usize;
        // Less than a word more (`find_mergeable`, mm/slab_common.c).
        if (object..object + size_of::<u64>()).contains(&stride) {
            found.push((cache, stride));
        }
    }
    found
}

/// The areas among the objects of a slab.
fn areas(
    memory: &mut KernelMemory,
    layout: &VmallocLayout,
    base: u64,
    slab: &Range<u64>,
    stride: usize,
) -> Vec<VmapArea> {
    let (start, len) = (
        base.wrapping_add(slab.start * PAGE),
        (slab.end - slab.start) * PAGE,
    );
    let Some(bytes) = memory.read(start, len as usize) else {
        return Vec::new();
    };
    let objects = (start..).step_by(stride).zip(bytes.chunks_exact(stride));
    let areas = objects.filter_map(|(address, object)| layout.area(address, object));
    areas.collect()
}

/// Adds the page frames of an area.
fn add(
    memory: &mut KernelMemory,
    array: PageArray,
    layout: &VmallocLayout,
    area: VmapArea,
    frames: &mut VmallocFrames,
) {
    // What was given back is mapped no more, before it leaves any list.
    if memory.word(area.start).is_none() {
        return;
    }
    let found = memory.read(area.memory, layout.memory_size);
    let Some(found) = found.and_then(|bytes| layout.memory(area, bytes)) else {
        return;
    };
    let VmallocMemory {
        pages,
        count,
        caller,
    } = found;
    let (mut next, end) = (pages, pages.saturating_add(u64::from(count) * 8));
    while next < end {
        // Not beyond the end of a piece: what lies behind may not be readable.
        let len = (end - next).min(PAGE - next % PAGE);
        let Some(list) = memory.read(next, len as usize) else {
            return;
        };
        let pages = list.chunks_exact(8).filter_map(|it| it.try_into().ok());
        let pages = pages.map(|it| u64::from_ne_bytes(it).wrapping_sub(array.base));
        frames.extend(pages.map(|offset| (offset / array.layout.size, caller)));
        next += len;
    }
}
