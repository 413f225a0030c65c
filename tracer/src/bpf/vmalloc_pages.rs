//! Which page frames are of vmalloc, and who asked for them.
//!
//! What vmalloc keeps of its areas lies in slabs, and every slab's page frames are known.

use std::ops::Range;

use anyhow::Result;

use tracer_ebpf::PIECE_LEN;

use super::KernelMemory;
use crate::kernel::{
    btf::Btf,
    objects::{Places, Slabs},
    page_census::VmallocFrames,
    read_memory::ReadMemory as _,
    vmalloc_area::{VmallocLayout, VmapArea, page_frames},
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
    /// As BTF describes it.
    pub fn of(btf: &Btf<'_>) -> Result<Self> {
        Ok(Self {
            layout: VmallocLayout::of(btf)?,
            cache_size: btf.member_offset("kmem_cache", "size")?.into(),
        })
    }

    /// Page frames of vmalloc.
    pub fn frames(
        &self,
        memory: &mut KernelMemory,
        places: &Places,
        slabs: &Slabs,
    ) -> VmallocFrames {
        let mut frames = VmallocFrames::default();
        for (cache, stride) in caches(memory, self.cache_size, self.layout.area_size, slabs) {
            for slab in slabs.of_cache(cache) {
                let addresses = places.address(slab.start)..places.address(slab.end);
                for area in areas(memory, &self.layout, addresses, stride) {
                    add(memory, places, &self.layout, area, &mut frames);
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
    places: &Places,
    layout: &VmallocLayout,
    area: VmapArea,
    frames: &mut VmallocFrames,
) {
    // What was given back is mapped no more, before it leaves any list; until its addresses are given
    // to another area.
    if memory.word(area.start).is_none() {
        return;
    }
    let found = memory.read(area.memory, layout.memory_size);
    let Some(found) = found.and_then(|bytes| layout.memory(area, bytes, places.page_size)) else {
        return;
    };
    let listed = listed(memory, places, found.pages, found.count);
    let listed = listed.into_iter().flatten();
    frames.extend(listed.map(|frame| (frame, found.caller)));
}

/// The page frames of a list that begins at an address and has so many words; none if it cannot be read
/// as a whole, or was given back.
fn listed(memory: &mut KernelMemory, places: &Places, start: u64, count: u32) -> Option<Vec<u64>> {
    let (mut next, end) = (start, start.saturating_add(u64::from(count) * 8));
    let mut frames = Vec::new();
    while next < end {
        // Not beyond the end of a piece: what lies behind may not be readable.
        let len = (end - next).min(PIECE - next % PIECE);
        frames.extend(page_frames(memory.read(next, len as usize)?, places)?);
        next += len;
    }
    Some(frames)
}
