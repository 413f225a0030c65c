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
    if let Some(&place) = walker.by_address.get(&file.private) {
        return place;
    }
    let place = walker.add(ObjectKind::Pipe, file.private);
    walker.by_address.insert(file.private, place);
    if follow(walker, place, file.private).is_none() {
        walker.found.lost.unreadable += 1;
    }
    place
}

fn follow<M: ReadMemory>(walker: &mut Walker<'_, M>, place: u32, pipe: u64) -> Option<()> {
    /// `pipe-max-size` of 2 GiB is the largest that the kernel takes (fs/pipe.c, `round_pipe_size`).
    const MOST: u32 = 1 << 20;
    let layout = *walker.layouts.pipe.as_ref().ok()?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernel::objects::sample::{Memory, at, page},
        model::{Found, Reference},
    };

    const OPERATIONS: u64 = 0xffff_ffff_8100_0000;

    /// A pipe of four slots whose buffers hold these page frames from slot `tail` on.
    fn followed(head: u64, tail: u64, frames: &[u64]) -> Found {
        let mut memory = Memory::default();
        memory.put(at(0), &[head | tail << 32, 4, page(90), 0, at(1)]);
        let mut buffers = vec![0; 12];
        for (slot, frame) in (tail..).zip(frames) {
            let buffer = (slot % 4) as usize * 3;
            buffers[buffer..buffer + 3].copy_from_slice(&[page(*frame), 100, OPERATIONS]);
        }
        memory.put(at(1), &buffers);
        let file = File {
            kind: ObjectKind::Pipe,
            private: at(0),
            inode: 1,
        };
        let (place, found) = memory.walk(|walker| pipe(walker, file));
        assert_eq!(place, 0);
        found
    }

    fn frames(found: &Found) -> Vec<u64> {
        let references: &[Reference] = &found.references;
        references.iter().map(|it| it.frame).collect()
    }

    #[test]
    fn a_pipe_holds_what_was_not_read_and_a_spare_page() {
        let found = followed(5, 3, &[7, 8]);
        assert_eq!(frames(&found), [90, 7, 8], "round the end of the ring");
        assert_eq!(found.objects[0].payload_bytes, 200);
        let empty = followed(u64::from(u32::MAX), u64::from(u32::MAX), &[]);
        assert_eq!(frames(&empty), [90]);
    }

    #[test]
    fn more_than_it_has_slots_for_is_not_believed() {
        let found = followed(9, 4, &[7, 8, 9, 10]);
        assert_eq!(frames(&found), [90]);
        assert_eq!(found.lost.raced, 1);
    }
}
