//! Rings that the kernel shares with a process: of packet sockets, perf events and io_uring.

use super::{
    files::File,
    layouts::{IoUringLayout, PacketRingLayout},
    registered,
    walk::{Walker, is_kernel},
};
use crate::{
    kernel::{bytes::word, read_memory::ReadMemory},
    model::{ObjectKind, Weight},
};

/// No ring has more blocks.
const MOST: u32 = 1 << 24;

/// Words from an address on; fewer where they cannot be read.
pub(super) fn words<M: ReadMemory>(
    walker: &mut Walker<'_, M>,
    list: u64,
    count: u32,
    stride: u64,
) -> Vec<u64> {
    const READ_AT_ONCE: u64 = 32 << 10;
    let mut words = Vec::new();
    let end = list.saturating_add(u64::from(count.min(MOST)) * stride);
    let step = READ_AT_ONCE - READ_AT_ONCE % stride;
    for start in (list..end).step_by(step as usize) {
        let len = step.min(end - start);
        let Some(bytes) = walker.memory.read(start, len as usize) else {
            walker.found.lost.unreadable += 1;
            break;
        };
        let found = bytes.chunks_exact(stride as usize);
        words.extend(found.filter_map(|it| word(it, 0)));
    }
    words
}

/// The rings of a packet socket; whether it has any.
pub(super) fn packet<M: ReadMemory>(walker: &mut Walker<'_, M>, place: u32, sock: u64) -> bool {
    let Ok(layout) = walker.layouts.packet_ring else {
        return false;
    };
    let mut has_any = false;
    for ring in [layout.receive, layout.send] {
        has_any |= packet_ring(walker, &layout, place, sock + ring).is_some();
    }
    has_any
}

fn packet_ring<M: ReadMemory>(
    walker: &mut Walker<'_, M>,
    layout: &PacketRingLayout,
    place: u32,
    ring: u64,
) -> Option<()> {
    let blocks = walker.memory.word(ring + layout.blocks)?;
    let count = walker.memory.half(ring + layout.count)?;
    if !is_kernel(blocks) || count == 0 {
        return None;
    }
    for block in words(walker, blocks, count, layout.block_size) {
        walker.refer_memory(place, block, Weight::Block);
    }
    Some(())
}

/// The ring of a perf event; several events may have one. None of an event that has none.
pub(super) fn perf<M: ReadMemory>(walker: &mut Walker<'_, M>, file: File) -> Option<u32> {
    let layout = *walker.layouts.perf.as_ref().ok()?;
    let ring = walker.memory.word(file.private + layout.buffer)?;
    if !is_kernel(ring) {
        return None;
    }
    if let Some(&place) = walker.by_address.get(&ring) {
        return Some(place);
    }
    let count = walker.memory.half(ring + layout.count)?;
    let aux_count = walker.memory.half(ring + layout.aux_count)?;
    let aux = walker.memory.word(ring + layout.aux)?;
    let user_page = walker.memory.word(ring + layout.user_page)?;
    let place = walker.add(ObjectKind::PerfRing, ring);
    walker.by_address.insert(ring, place);
    let mut pages = words(walker, ring + layout.data, count, 8);
    pages.push(user_page);
    if is_kernel(aux) {
        pages.extend(words(walker, aux, aux_count, 8));
    }
    for page in pages {
        walker.refer_memory(place, page, Weight::Block);
    }
    Some(place)
}

/// The rings of an io_uring.
pub(super) fn io_uring<M: ReadMemory>(walker: &mut Walker<'_, M>, file: File) -> Option<u32> {
    let layouts = walker.layouts;
    let layout = layouts.io_uring.as_ref().ok()?;
    let ring = file.private;
    let place = walker.add(ObjectKind::IoUring, ring);
    match layout {
        IoUringLayout::Regions {
            regions,
            pages,
            count,
        } => {
            for &region in regions {
                let list = walker.memory.word(ring + region + pages)?;
                let count = walker.memory.half(ring + region + count)?;
                if is_kernel(list) {
                    for page in words(walker, list, count, 8) {
                        walker.refer(place, page, Weight::Block);
                    }
                }
            }
        }
        IoUringLayout::Pointers(rings) => {
            for &pointer in rings {
                let memory = walker.memory.word(ring + pointer)?;
                walker.refer_memory(place, memory, Weight::Block);
            }
        }
    }
    registered::buffers(walker, place, ring);
    Some(place)
}
