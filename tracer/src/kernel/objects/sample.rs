//! A kernel's memory for tests: what was put at an address is there, and nothing else.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    ObjectLayouts, Places, Slabs,
    layouts::{
        CacheLayout, FileLayout, PacketLayout, PacketRingLayout, PipeLayout, RingBufferLayout,
        SocketLayout, SoftnetLayout, TaskLayout, TunLayout, XdpLayout,
    },
    slab_reader::SlabReader,
    walk::Walker,
};
use crate::{kernel::read_memory::ReadMemory, model::Found};

pub(super) const PLACES: Places = Places {
    page_structs: 0xffff_ea00_0000_0000,
    page_struct_size: 64,
    direct_map: 0xffff_8880_0000_0000,
    end: 1 << 20,
    page_size: 4096,
};

/// The address of something in memory that is not of a slab.
pub(super) const fn at(number: u64) -> u64 {
    PLACES.direct_map + 0x10_0000 + number * 0x1000
}

/// The page struct of a page frame.
pub(super) const fn page(frame: u64) -> u64 {
    PLACES.page_structs + frame * 64
}

#[derive(Default)]
pub(super) struct Memory {
    pieces: BTreeMap<u64, Vec<u8>>,
}

impl Memory {
    /// Puts words at an address.
    pub(super) fn put(&mut self, address: u64, words: &[u64]) {
        let bytes = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        self.pieces.insert(address, bytes);
    }

    /// Shows it to a walk.
    pub(super) fn walk<T>(mut self, show: impl FnOnce(&mut Walker<'_, Self>) -> T) -> (T, Found) {
        let (layouts, slabs) = (layouts(), Slabs::default());
        let mut walker = Walker {
            memory: SlabReader::new(&mut self, PLACES, &slabs),
            layouts: &layouts,
            places: PLACES,
            slabs: &slabs,
            caches: FxHashMap::default(),
            found: Found::default(),
            by_file: FxHashMap::default(),
            by_address: FxHashMap::default(),
            in_flight: Vec::new(),
            heads: FxHashMap::default(),
            map_references: FxHashMap::default(),
            task_queues: FxHashSet::default(),
        };
        let shown = show(&mut walker);
        walker.count_shared_heads();
        (shown, walker.found)
    }
}

impl ReadMemory for Memory {
    fn read(&mut self, address: u64, len: usize) -> Option<&[u8]> {
        let (start, bytes) = self.pieces.range(..=address).next_back()?;
        bytes.get((address - start) as usize..)?.get(..len)
    }
}

/// Layouts in which every member has a word, in the order of their declaration.
fn layouts() -> ObjectLayouts {
    const NONE: &str = "not of this kernel";
    ObjectLayouts {
        cache: CacheLayout { name: 0, size: 8 },
        task: TaskLayout {
            thread_node: 0,
            state: 16,
            pid: 20,
            tgid: 24,
            name: 32,
            files: 48,
            fragment: 56,
            table: 0,
            most_files: 0,
            descriptors: 8,
        },
        file: FileLayout {
            operations: 0,
            inode: 8,
            private: 16,
            references: 24,
            counts_from_zero: true,
            inode_number: 0,
            inode_mode: 8,
        },
        pipe: Ok(PipeLayout {
            head: 0,
            tail: 4,
            slots: 8,
            spare: 16,
            spares: 2,
            buffers: 32,
            buffer_size: 24,
            page: 0,
            len: 8,
            operations: 16,
        }),
        socket: Ok(SocketLayout {
            sock: 0,
            file: 0,
            size: 80,
            family: 0,
            state: 0,
            remote_v4: 0,
            local_v4: 0,
            remote_v6: 0,
            local_v6: 0,
            remote_port: 0,
            local_port: 0,
            references: 0,
            protocol_operations: 0,
            namespace: 0,
            owner: 0,
            protocol: 0,
            socket_type: 0,
            receive_queue: 8,
            error_queue: 24,
            write_queue: 40,
            backlog: 56,
            fragment: 72,
            queued_bytes: 0,
            sent_bytes: 0,
            drops: 0,
            waiting: 0,
            most_waiting: 0,
            receive_limit: 0,
            send_limit: 0,
            cache: 0,
            namespace_number: 0,
        }),
        packet: Ok(PacketLayout {
            size: 72,
            sock: 16,
            time: 24,
            control: 32,
            len: 40,
            head: 48,
            end: 56,
            true_size: 64,
            count: 0,
            list: 8,
            data_references: 16,
            fragments: 24,
            fragment_size: 16,
            shared_size: 24 + 2 * 16,
        }),
        unix: Err(NONE.to_owned()),
        tcp: Err(NONE.to_owned()),
        udp: Err(NONE.to_owned()),
        packet_ring: Ok(PacketRingLayout {
            receive: 0,
            send: 16,
            blocks: 0,
            count: 8,
            block_size: 8,
        }),
        perf: Err(NONE.to_owned()),
        io_uring: Err(NONE.to_owned()),
        registered: Err(NONE.to_owned()),
        xdp: Ok(XdpLayout {
            memory: 0,
            pages: 0,
            count: 8,
            bytes: 16,
            rings: vec![8, 16, 24, 32],
            pool: 40,
            pool_rings: [0, 8],
            ring: 0,
        }),
        has_xdp: true,
        tun: vec![TunLayout {
            protocol: "tun",
            protocol_name: 0,
            sock: 80,
            attached: 88,
            device: 0,
            device_name: 0,
            device_namespace: 16,
            head: 96,
            tail: 100,
            slots: 104,
            entries: 112,
            frame_len: 8,
        }],
        tun_missing: Vec::new(),
        ring_buffer: Ok(RingBufferLayout {
            map_type: 0,
            name: 8,
            references: 24,
            buffer: 32,
            pages: 0,
            count: 8,
        }),
        softnet: Ok(SoftnetLayout {
            task_queue: 0,
            run_queue: 0,
            distance: 0x1000,
            cpu: 0,
            deferred: 8,
            run_queue_cpu: 0,
        }),
        is_deferring: true,
    }
}
