//! Which page frames are of vmalloc, and who asked for them.
//!
//! What vmalloc keeps of its areas lies in slabs, and every slab's page frames are known.

use std::ops::Range;

use anyhow::Result;

use tracer_ebpf::PIECE_LEN;

use super::{KernelMemory, PageArray};
use crate::kernel::{
    btf::Btf,
    objects::Slabs,
    page_census::VmallocFrames,
    read_memory::ReadMemory as _,
    vmalloc_area::{VmallocLayout, VmallocMemory, VmapArea},
};

/// Bytes of kernel memory that are copied all or none.
const PIECE: u64 = PIECE_LEN as u64;

/// How to find the areas of vmalloc.
#[derive(Clone, Copy, Debug)]
pub struct VmallocSource {
    layout: VmallocLayout,
    /// Where a cache has the distance between two of its objects, in bytes (`kmem_cache.size`).
    cache_size: u64,
}

impl VmallocSource {
    /// As BTF describes it, with page frames of so many bytes.
    pub fn of(btf: &Btf<'_>, page_size: u64) -> Result<Self> {
        Ok(Self {
            layout: VmallocLayout::of(btf, page_size)?,
            cache_size: btf.member_offset("kmem_cache", "size")?.into(),
        })
    }

    /// Page frames of vmalloc, if the direct map of all memory begins here.
    pub fn frames(
        &self,
        memory: &mut KernelMemory,
        array: PageArray,
        direct_map: u64,
        slabs: &Slabs,
    ) -> VmallocFrames {
        let page_size = self.layout.page_size;
        let mut frames = VmallocFrames::default();
        for (cache, stride) in caches(memory, self.cache_size, self.layout.area_size, slabs) {
            for slab in slabs.of_cache(cache) {
                let start = direct_map.wrapping_add(slab.start.wrapping_mul(page_size));
                let addresses = start..start.wrapping_add((slab.end - slab.start) * page_size);
                for area in areas(memory, &self.layout, addresses, stride) {
                    add(memory, array, &self.layout, area, &mut frames);
                }
            }
        }
        frames
    }
}

/// The caches whose objects are so large, each with the distance between two. SLUB keeps objects of
/// about the same size in one cache, whatever they are.
fn caches(
    memory: &mut KernelMemory,
    cache_size: u64,
    object: usize,
    slabs: &Slabs,
) -> Vec<(u64, usize)> {
    let mut found = Vec::new();
    for &cache in slabs.caches() {
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

/// The areas among the objects of a slab, which lies at these addresses.
fn areas(
    memory: &mut KernelMemory,
    layout: &VmallocLayout,
    slab: Range<u64>,
    stride: usize,
) -> Vec<VmapArea> {
    let (start, len) = (slab.start, slab.end.wrapping_sub(slab.start));
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
        let len = (end - next).min(PIECE - next % PIECE);
        let Some(list) = memory.read(next, len as usize) else {
            return;
        };
        let pages = list.chunks_exact(8).filter_map(|it| it.try_into().ok());
        let pages = pages.map(|it| u64::from_ne_bytes(it).wrapping_sub(array.base));
        frames.extend(pages.map(|offset| (offset / array.layout.size, caller)));
        next += len;
    }
}
