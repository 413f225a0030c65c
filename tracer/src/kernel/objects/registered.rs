//! Buffers of user memory that were registered with an io_uring, which pins them.

use super::{
    layouts::{RegisteredEntries, RegisteredLayout},
    rings::words,
    walk::{Walker, is_kernel},
};
use crate::{
    kernel::{
        bytes::{half, word},
        read_memory::ReadMemory,
    },
    model::Weight,
};

/// No more can be registered (`IORING_MAX_REG_BUFFERS` is 1 << 14).
const MOST: u32 = 1 << 16;

/// Adds what the buffers of a ring pin.
pub(super) fn buffers<M: ReadMemory>(walker: &mut Walker<'_, M>, place: u32, ring: u64) {
    let Ok(layout) = walker.layouts.registered else {
        return;
    };
    for buffer in list(walker, &layout, ring).unwrap_or_default() {
        let bytes = parts(walker, &layout, place, buffer);
        walker.object(place).payload_bytes += bytes.unwrap_or(0);
    }
}

/// The addresses of the buffers.
fn list<M: ReadMemory>(
    walker: &mut Walker<'_, M>,
    layout: &RegisteredLayout,
    ring: u64,
) -> Option<Vec<u64>> {
    let list = walker.memory.word(ring + layout.list)?;
    let count = walker.memory.half(ring + layout.count)?.min(MOST);
    if !is_kernel(list) {
        return None;
    }
    let mut buffers = match layout.entries {
        RegisteredEntries::Buffers(size) => {
            (0..u64::from(count)).map(|i| list + i * size).collect()
        }
        RegisteredEntries::Nodes(_) | RegisteredEntries::Pointers => words(walker, list, count, 8),
    };
    buffers.retain(|buffer| is_kernel(*buffer));
    if let RegisteredEntries::Nodes(buffer) = layout.entries {
        let memory = &mut walker.memory;
        let buffers = buffers
            .into_iter()
            .filter_map(|node| memory.word(node + buffer));
        return Some(buffers.filter(|buffer| is_kernel(*buffer)).collect());
    }
    Some(buffers)
}

/// Adds what a buffer pins, part by part; gives its bytes.
fn parts<M: ReadMemory>(
    walker: &mut Walker<'_, M>,
    layout: &RegisteredLayout,
    place: u32,
    buffer: u64,
) -> Option<u64> {
    /// 1 GiB by page frames, the largest buffer.
    const MOST: u64 = 1 << 18;
    let count = u64::from(walker.memory.half(buffer + layout.part_count)?).min(MOST);
    let first = match layout.entries {
        RegisteredEntries::Buffers(_) => walker.memory.word(buffer + layout.parts)?,
        RegisteredEntries::Nodes(_) | RegisteredEntries::Pointers => buffer + layout.parts,
    };
    let mut sum = 0;
    for part in 0..count {
        let address = first.checked_add(part * layout.part_size)?;
        let bytes = walker.memory.read(address, layout.part_size as usize)?;
        let page = word(bytes, layout.page as usize)?;
        let len = u64::from(half(bytes, layout.len as usize)?);
        let offset = u64::from(half(bytes, layout.offset as usize)?);
        sum += len;
        let pages = (offset + len).div_ceil(walker.places.page_size).min(MOST);
        let frame = walker.places.of_page(page);
        for frame in frame.into_iter().flat_map(|first| first..first + pages) {
            walker.refer_frame(place, Some(frame), Weight::Pin);
        }
    }
    Some(sum)
}
