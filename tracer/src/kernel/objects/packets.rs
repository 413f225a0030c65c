//! Packets (`struct sk_buff`): the page frames of their data.

use super::{
    layouts::PacketLayout,
    queues,
    walk::{Walker, is_kernel},
};
use crate::{
    kernel::{
        bytes::{half, word},
        read_memory::ReadMemory,
    },
    model::{Reference, Walked, Weight},
};

/// Data that several packets share, each with a header of its own (`skb_clone`).
pub(super) struct SharedHead {
    /// How many the kernel counts.
    counted: u32,
    /// How many were found.
    found: u32,
    frames: Vec<u64>,
}

/// What a packet says.
pub(super) struct Packet {
    /// The socket that it is charged to.
    pub(super) sock: u64,
    /// Its control block, where each protocol keeps what is its own.
    pub(super) control: u64,
    /// Bytes of data.
    pub(super) len: u32,
    head: u64,
    /// Its `skb_shared_info`.
    shared: u64,
    true_size: u32,
    /// When it was received, in nanoseconds since 1970; 0 if nobody asked for that.
    time: u64,
}

fn packet(layout: &PacketLayout, address: u64, bytes: &[u8]) -> Option<Packet> {
    let word_at = |at: u64| word(bytes, at as usize);
    let half_at = |at: u64| half(bytes, at as usize);
    let head = word_at(layout.head)?;
    let end = half_at(layout.end)?;
    Some(Packet {
        sock: word_at(layout.sock)?,
        control: address + layout.control,
        len: half_at(layout.len)?,
        head,
        shared: head.checked_add(end.into())?,
        true_size: half_at(layout.true_size)?,
        time: word_at(layout.time)?,
    })
}

/// Adds what these packets hold to an object, and what they are to the account of its queues; gives
/// what they say.
pub(super) fn hold<M: ReadMemory>(
    walker: &mut Walker<'_, M>,
    object: u32,
    packets: &[u64],
    walked: &mut Walked,
) -> Vec<Packet> {
    let Ok(layout) = walker.layouts.packet else {
        return Vec::new();
    };
    let mut found = Vec::with_capacity(packets.len());
    for &address in packets {
        let bytes = walker.memory.read(address, layout.size as usize);
        let Some(packet) = bytes.and_then(|bytes| packet(&layout, address, bytes)) else {
            walker.found.lost.unreadable += 1;
            continue;
        };
        walked.skbs += 1;
        walked.payload_bytes += u64::from(packet.len);
        walked.truesize_bytes += u64::from(packet.true_size);
        let time = Some(packet.time).filter(|&time| time != 0);
        walked.oldest_ns = walked.oldest_ns.into_iter().chain(time).min();
        if data(walker, &layout, object, &packet).is_none() {
            walker.found.lost.unreadable += 1;
        }
        found.push(packet);
    }
    found
}

/// The page frames of a packet, and of those that it is made of.
fn data<M: ReadMemory>(
    walker: &mut Walker<'_, M>,
    layout: &PacketLayout,
    object: u32,
    packet: &Packet,
) -> Option<()> {
    let parts = one(walker, layout, object, packet)?;
    let parts = queues::chain(walker, parts).packets;
    for address in parts {
        let bytes = walker.memory.read(address, layout.size as usize)?;
        let part = self::packet(layout, address, bytes)?;
        one(walker, layout, object, &part)?;
    }
    Some(())
}

/// The page frames of one packet; gives the first of the list of those that it is made of, or 0.
fn one<M: ReadMemory>(
    walker: &mut Walker<'_, M>,
    layout: &PacketLayout,
    object: u32,
    packet: &Packet,
) -> Option<u64> {
    /// Of `dataref`, what counts references to all of the data (`SKB_DATAREF_MASK`).
    const MASK: u32 = 0xffff;
    if !is_kernel(packet.shared) {
        return None;
    }
    let bytes = walker
        .memory
        .read(packet.shared, layout.shared_size as usize)?;
    let counted = half(bytes, layout.data_references as usize)? & MASK;
    let parts = word(bytes, layout.list as usize)?;
    let most = (layout.shared_size - layout.fragments) / layout.fragment_size;
    let count = u64::from(*bytes.get(layout.count as usize)?);
    if count > most || counted == 0 {
        return None;
    }
    let fragment = |i: u64| {
        word(
            bytes,
            (layout.fragments + i * layout.fragment_size) as usize,
        )
    };
    // Bit 0 is that of memory of a device.
    let pages: Vec<_> = (0..count)
        .filter_map(fragment)
        .filter(|it| it & 1 == 0)
        .collect();
    let first = walker.found.references.len();
    let is_first = counted == 1 || !walker.heads.contains_key(&packet.shared);
    let weight = if is_first {
        Weight::Each
    } else {
        Weight::Shared
    };
    walker.refer_memory(object, packet.head, weight);
    for page in pages {
        walker.refer(object, page, weight);
    }
    if counted > 1 {
        share(walker, packet.shared, counted, first);
    }
    Some(parts)
}

/// Notes that one more packet refers to this data, whose references are those from `first` on.
fn share<M: ReadMemory>(walker: &mut Walker<'_, M>, data: u64, counted: u32, first: usize) {
    let references = &walker.found.references[first..];
    let head = walker.heads.entry(data).or_insert_with(|| SharedHead {
        counted,
        found: 0,
        frames: references.iter().map(|it| it.frame).collect(),
    });
    head.found += 1;
}

impl<M> Walker<'_, M> {
    /// Data that more packets share than were found is held by others as well.
    pub(super) fn count_shared_heads(&mut self) {
        let heads = self.heads.drain().map(|(_, head)| head);
        let heads = heads.filter(|head| head.found < head.counted);
        let frames = heads.flat_map(|head| head.frames);
        self.found.references.extend(frames.map(|frame| Reference {
            frame,
            object: Reference::OTHERS,
            weight: Weight::Shared,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernel::objects::sample::{Memory, PLACES, at, page},
        model::ObjectKind,
    };

    /// Puts a packet of 100 bytes, whose data lies in this page frame, with these fragments, of which
    /// `counted` packets have a share.
    fn put(memory: &mut Memory, packet: u64, frame: u64, fragments: &[u64], counted: u64) {
        let head = PLACES.address(frame);
        memory.put(packet, &[0, 0, 0, 0, 0, 100, head, 1024, 2048]);
        let mut shared = vec![fragments.len() as u64, 0, counted];
        for frame in fragments {
            shared.extend([page(*frame), 0]);
        }
        shared.resize(7, 0);
        memory.put(head + 1024, &shared);
    }

    fn references(memory: Memory, packets: &[u64]) -> (Walked, Vec<(u64, Weight)>) {
        let mut walked = Walked::default();
        let ((), found) = memory.walk(|walker| {
            let place = walker.add(ObjectKind::Socket, 1);
            hold(walker, place, packets, &mut walked);
        });
        let references = found.references.iter();
        (walked, references.map(|it| (it.frame, it.weight)).collect())
    }

    #[test]
    fn a_packet_holds_its_head_and_its_fragments() {
        let mut memory = Memory::default();
        put(&mut memory, at(0), 7, &[8, 9], 1);
        let (walked, references) = references(memory, &[at(0)]);
        let each = [7, 8, 9].map(|frame| (frame, Weight::Each));
        assert_eq!(references, each);
        assert_eq!((walked.skbs, walked.payload_bytes), (1, 100));
        assert_eq!((walked.truesize_bytes, walked.oldest_ns), (2048, None));
    }

    #[test]
    fn shared_data_counts_once_and_says_what_was_not_found() {
        let mut memory = Memory::default();
        put(&mut memory, at(0), 7, &[8], 3);
        let clone = [0, 0, 0, 0, 0, 100, PLACES.address(7), 1024, 2048];
        memory.put(at(1), &clone);
        let (_, references) = references(memory, &[at(0), at(1)]);
        let expected = [
            (7, Weight::Each),
            (8, Weight::Each),
            (7, Weight::Shared),
            (8, Weight::Shared),
            // Of the third packet, which was not found.
            (7, Weight::Shared),
            (8, Weight::Shared),
        ];
        assert_eq!(references, expected);
    }

    #[test]
    fn more_fragments_than_there_is_room_for_are_not_believed() {
        let mut memory = Memory::default();
        put(&mut memory, at(0), 7, &[], 1);
        memory.put(PLACES.address(7) + 1024, &[200, 0, 1, 0, 0, 0, 0]);
        let ((), found) = memory.walk(|walker| {
            let place = walker.add(ObjectKind::Socket, 1);
            hold(walker, place, &[at(0)], &mut Walked::default());
        });
        assert_eq!(found.references, []);
        assert_eq!(found.lost.unreadable, 1);
    }

    #[test]
    fn memory_of_a_device_is_no_page_frame() {
        let mut memory = Memory::default();
        put(&mut memory, at(0), 7, &[8], 1);
        memory.put(PLACES.address(7) + 1024, &[1, 0, 1, page(8) | 1, 0, 0, 0]);
        let (_, references) = references(memory, &[at(0)]);
        assert_eq!(references, [(7, Weight::Each)]);
    }
}
