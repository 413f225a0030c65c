//! Pipes: the page frames of what was written and not read.

use super::{files::File, walk::Walker};
use crate::{
    kernel::{
        bytes::{half, word},
        read_memory::ReadMemory,
    },
    model::{ObjectKind, Weight},
};

/// The pipe of a file; both its ends are one.
pub(super) fn pipe<M: ReadMemory>(walker: &mut Walker<'_, M>, file: File) -> u32 {
    if let Some(&place) = walker.by_sock.get(&file.private) {
        return place;
    }
    let place = walker.add(ObjectKind::Pipe, file.private);
    walker.by_sock.insert(file.private, place);
    if follow(walker, place, file.private).is_none() {
        walker.found.lost.unreadable += 1;
    }
    place
}

fn follow<M: ReadMemory>(walker: &mut Walker<'_, M>, place: u32, pipe: u64) -> Option<()> {
    /// `pipe-max-size` of 2 GiB is the largest that the kernel takes (fs/pipe.c, `round_pipe_size`).
    const MOST: u32 = 1 << 20;
    let layout = walker.layouts.pipe.clone().ok()?;
    let head = walker.memory.half(pipe + layout.head)?;
    let tail = walker.memory.half(pipe + layout.tail)?;
    let slots = walker.memory.half(pipe + layout.slots)?;
    let buffers = walker.memory.word(pipe + layout.buffers)?;
    for spare in 0..layout.spares {
        let page = walker.memory.word(pipe + layout.spare + spare * 8)?;
        if page != 0 {
            walker.refer(place, page, Weight::Each);
        }
    }
    let used = head.wrapping_sub(tail);
    if !slots.is_power_of_two() || slots > MOST || used > slots {
        walker.found.lost.raced += 1;
        return Some(());
    }
    let mut payload = 0;
    for slot in 0..used {
        let slot = u64::from(tail.wrapping_add(slot) & (slots - 1));
        let buffer = buffers.checked_add(slot * layout.buffer_size)?;
        let bytes = walker.memory.read(buffer, layout.buffer_size as usize)?;
        let word_at = |at: u64| word(bytes, at as usize);
        let (page, operations) = (word_at(layout.page)?, word_at(layout.operations)?);
        payload += u64::from(half(bytes, layout.len as usize)?);
        if operations != 0 && page != 0 {
            walker.refer(place, page, Weight::Each);
        }
    }
    walker.object(place).payload_bytes = payload;
    Some(())
}
