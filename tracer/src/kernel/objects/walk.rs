//! One walk over all objects that hold page frames.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    ObjectLayouts, Places, Slabs,
    files::{self, FileKinds},
    packets::SharedHead,
    pipes, ring_buffers, rings,
    slab_reader::SlabReader,
    sockets, softnet,
    tasks::{self, Descriptor},
    tun,
};
use crate::{
    kernel::read_memory::ReadMemory,
    model::{Found, FoundObject, Holding, ObjectKind, Reference, Weight},
};

/// What belongs to whoever walks.
#[derive(Clone, Copy, Debug)]
pub struct Own<'a> {
    /// Its process's id, in the initial namespace.
    pub process: u32,
    /// A descriptor of each kind of file, by which files of that kind are known; and one of each BPF
    /// ring buffer, whoever else has it.
    pub samples: &'a [(u32, ObjectKind)],
}

/// What the steps of a walk share.
pub(super) struct Walker<'a, M> {
    pub(super) memory: SlabReader<'a, M>,
    pub(super) layouts: &'a ObjectLayouts,
    pub(super) places: Places,
    pub(super) slabs: &'a Slabs,
    /// The slab caches that were not merged with another, by name.
    pub(super) caches: FxHashMap<String, u64>,
    pub(super) found: Found,
    /// The objects of files that were found.
    pub(super) by_file: FxHashMap<u64, u32>,
    /// Pipes, socks and rings that were followed, by their own addresses.
    pub(super) by_address: FxHashMap<u64, u32>,
    /// Files that were sent over a socket and not received yet, with the socket's place.
    pub(super) in_flight: Vec<(u64, u32)>,
    /// Data of packets that more than one packet refers to.
    pub(super) heads: FxHashMap<u64, SharedHead>,
    /// How many files, programs and paths refer to a map, by its place.
    pub(super) map_references: FxHashMap<u32, u64>,
    /// The queues of runnable tasks that tasks are of.
    pub(super) task_queues: FxHashSet<u64>,
}

/// Whether an address is of the kernel's half and aligned to words. In the highest 16 MiB lies nothing,
/// but for numbers of errors; so the offset of a member can be added.
pub(super) const fn is_kernel(address: u64) -> bool {
    const HIGHEST: u64 = u64::MAX - (1 << 24);
    address >> 56 == 0xff && address.is_multiple_of(8) && address < HIGHEST
}

/// Follows what each file, socket and task holds.
pub fn walk<M: ReadMemory>(
    memory: &mut M,
    layouts: &ObjectLayouts,
    places: Places,
    slabs: &Slabs,
    own: Own<'_>,
) -> Found {
    let mut walker = Walker {
        memory: SlabReader::new(memory, places, slabs),
        layouts,
        places,
        slabs,
        caches: FxHashMap::default(),
        found: Found::default(),
        by_file: FxHashMap::default(),
        by_address: FxHashMap::default(),
        in_flight: Vec::new(),
        heads: FxHashMap::default(),
        map_references: FxHashMap::default(),
        task_queues: FxHashSet::default(),
    };
    walker.name_caches();
    let descriptors = tasks::descriptors(&mut walker);
    let kinds = FileKinds::learn(&mut walker, &descriptors, own.process, own.samples);
    walker.files(&kinds, &descriptors, own);
    walker.files_in_flight(&kinds);
    sockets::without_file(&mut walker);
    walker.files_in_flight(&kinds);
    softnet::deferred(&mut walker);
    walker.finish()
}

impl<M: ReadMemory> Walker<'_, M> {
    /// The caches by name; of a name that several have, one.
    fn name_caches(&mut self) {
        /// Of the names that are looked for.
        const LONGEST: usize = 32;
        let at = self.layouts.cache.name;
        let slabs = self.slabs;
        for &cache in slabs.caches().iter().filter(|cache| is_kernel(**cache)) {
            let text = self.memory.word(cache + at);
            let name = text.and_then(|text| self.memory.text(text, LONGEST));
            self.caches.extend(name.map(|name| (name, cache)));
        }
    }

    /// The cache that an object lies in.
    pub(super) fn cache_of(&self, object: u64) -> Option<u64> {
        let frame = self.places.of_address(object)?;
        self.slabs.around(frame).map(|(cache, _)| cache)
    }

    /// Shows every object of a cache, with its address, whether it is in use or not.
    pub(super) fn each_object(&mut self, cache: u64, mut show: impl FnMut(u64, &[u8])) {
        let stride = self.memory.half(cache + self.layouts.cache.size);
        let stride = stride.filter(|&it| it >= 8).unwrap_or(0) as usize;
        if stride == 0 {
            self.found.lost.unreadable += 1;
            return;
        }
        let slabs = self.slabs;
        for slab in slabs.of_cache(cache) {
            let start = self.places.address(slab.start);
            let len = (slab.end - slab.start) * self.places.page_size;
            match self.memory.read(start, len as usize) {
                Some(bytes) => {
                    let addresses = (start..).step_by(stride);
                    let objects = addresses.zip(bytes.chunks_exact(stride));
                    objects.for_each(|(address, bytes)| show(address, bytes));
                }
                None => self.found.lost.unreadable += 1,
            }
        }
    }

    /// Adds an object without references yet, and says its place.
    pub(super) fn add(&mut self, kind: ObjectKind, address: u64) -> u32 {
        let place = self.found.objects.len() as u32;
        self.found.objects.push(FoundObject::new(kind, address));
        place
    }

    pub(super) fn object(&mut self, place: u32) -> &mut FoundObject {
        &mut self.found.objects[place as usize]
    }

    /// A reference to what a `struct page *` points to.
    pub(super) fn refer(&mut self, object: u32, page: u64, weight: Weight) {
        let frame = self.places.of_page(page);
        self.refer_frame(object, frame, weight);
    }

    /// A reference to the page frame that memory at an address lies in. What vmalloc has mapped is
    /// counted as that.
    pub(super) fn refer_memory(&mut self, object: u32, address: u64, weight: Weight) {
        if let Some(frame) = self.places.of_address(address) {
            self.refer_frame(object, Some(frame), weight);
        }
    }

    pub(super) fn refer_frame(&mut self, object: u32, frame: Option<u64>, weight: Weight) {
        match frame {
            Some(frame) => self.found.references.push(Reference {
                frame,
                object,
                weight,
            }),
            None => self.found.lost.strays += 1,
        }
    }

    /// Follows every file: those of descriptors, and those that only the slabs know.
    fn files(&mut self, kinds: &FileKinds, descriptors: &[Descriptor], own: Own<'_>) {
        let sample = |it: &Descriptor, found: &Found| {
            let task = found.task(it.task)?;
            let mut samples = own.samples.iter();
            let sample = samples.find(|(number, _)| *number == it.number);
            sample
                .filter(|_| task.pid == own.process)
                .map(|(_, kind)| *kind)
        };
        let mut samples = Vec::new();
        for descriptor in descriptors {
            match sample(descriptor, &self.found) {
                // It is somebody else's, and was opened to be found.
                Some(ObjectKind::BpfRingBuffer) => {
                    self.file(kinds, descriptor.file);
                    continue;
                }
                Some(_) => {
                    samples.push(descriptor.file);
                    continue;
                }
                None => {}
            }
            if let Some(place) = self.file(kinds, descriptor.file) {
                let named = (descriptor.task, descriptor.number);
                self.object(place).descriptors.push(named);
            }
        }
        for file in files::all(self, kinds, descriptors.first().map(|it| it.file)) {
            if !samples.contains(&file) {
                self.file(kinds, file);
            }
        }
    }

    /// The place of a file's object, which is followed if it was not yet.
    fn file(&mut self, kinds: &FileKinds, address: u64) -> Option<u32> {
        if let Some(&place) = self.by_file.get(&address) {
            return Some(place);
        }
        let file = files::file(self, kinds, address)?;
        let place = match file.kind {
            ObjectKind::Pipe => pipes::pipe(self, file),
            ObjectKind::Socket => sockets::of_file(self, file.private)?,
            ObjectKind::PerfRing => rings::perf(self, file)?,
            ObjectKind::IoUring => rings::io_uring(self, file)?,
            ObjectKind::TunQueue => tun::queue(self, file)?,
            ObjectKind::BpfRingBuffer => ring_buffers::ring_buffer(self, file)?,
            ObjectKind::PacketRing
            | ObjectKind::XdpMemory
            | ObjectKind::TaskFragment
            | ObjectKind::DeferredPackets => return None,
        };
        // All maps have one inode.
        if file.kind != ObjectKind::BpfRingBuffer {
            self.object(place).inode = file.inode;
        }
        self.by_file.insert(address, place);
        Some(place)
    }

    /// Follows the files that were sent and not received, and what is in flight in these.
    fn files_in_flight(&mut self, kinds: &FileKinds) {
        while let Some((file, socket)) = self.in_flight.pop() {
            let Some(place) = self.file(kinds, file) else {
                continue;
            };
            let object = self.object(place);
            if object.holding == Holding::Unknown && place != socket {
                object.holding = Holding::InFlight(socket);
            }
        }
    }

    fn finish(mut self) -> Found {
        self.count_shared_heads();
        self.count_programs();
        self.found.references.sort_unstable();
        self.found
    }
}
