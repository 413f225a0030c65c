//! Memory that is read a slab at a time: neighbours are mostly asked for next.

use rustc_hash::FxHashMap;

use super::{Places, Slabs};
use crate::kernel::read_memory::ReadMemory;

/// No more is kept.
const MOST: usize = 32 << 20;

/// Memory of which whole slabs are kept, as they were when they were first read.
pub(super) struct SlabReader<'a, M> {
    memory: &'a mut M,
    places: Places,
    slabs: &'a Slabs,
    /// Where in `bytes` the memory of a page frame is; none of one that could not be read.
    frames: FxHashMap<u64, Option<usize>>,
    bytes: Vec<u8>,
}

impl<'a, M: ReadMemory> SlabReader<'a, M> {
    pub(super) fn new(memory: &'a mut M, places: Places, slabs: &'a Slabs) -> Self {
        Self {
            memory,
            places,
            slabs,
            frames: FxHashMap::default(),
            bytes: Vec::new(),
        }
    }

    /// Where in `bytes` the memory of this page frame is, if it is of a slab.
    fn frame(&mut self, frame: u64) -> Option<usize> {
        if let Some(&known) = self.frames.get(&frame) {
            return known;
        }
        let (_, slab) = self.slabs.around(frame)?;
        if self.bytes.len() > MOST {
            self.bytes.clear();
            self.frames.clear();
        }
        let start = self.bytes.len();
        let len = (slab.end - slab.start) * self.places.page_size;
        let read = self
            .memory
            .read(self.places.address(slab.start), len as usize);
        let is_read = read.is_some();
        self.bytes.extend_from_slice(read.unwrap_or_default());
        for (at, frame) in slab.enumerate() {
            let at = is_read.then_some(start + at * self.places.page_size as usize);
            self.frames.insert(frame, at);
        }
        self.frames.get(&frame).copied().flatten()
    }
}

impl<M: ReadMemory> ReadMemory for SlabReader<'_, M> {
    fn read(&mut self, address: u64, len: usize) -> Option<&[u8]> {
        let frame = self.places.of_address(address);
        let kept = frame.and_then(|frame| self.frame(frame));
        let start = kept.map(|at| at + (address % self.places.page_size) as usize);
        match start.filter(|start| start + len <= self.bytes.len()) {
            // An object does not end behind its slab, so this is within it.
            Some(start) => self.bytes.get(start..start + len),
            None => self.memory.read(address, len),
        }
    }
}
