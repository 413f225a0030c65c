//! AF_XDP sockets: the user memory that was registered with one, which pins it, and the rings.

use super::{
    layouts::XdpLayout,
    rings::words,
    walk::{Walker, is_kernel},
};
use crate::{
    kernel::read_memory::ReadMemory,
    model::{ObjectKind, Weight},
};

/// Adds what an AF_XDP sock holds to its object, which has no memory without it.
pub(super) fn hold<M: ReadMemory>(walker: &mut Walker<'_, M>, place: u32, sock: u64) {
    let layouts = walker.layouts;
    let Ok(layout) = &layouts.xdp else {
        return;
    };
    rings(walker, layout, place, sock);
    let memory = walker.memory.word(sock + layout.memory);
    if let Some(memory) = memory.filter(|memory| is_kernel(*memory))
        && user_memory(walker, layout, place, memory).is_none()
    {
        walker.found.lost.unreadable += 1;
    }
}

/// The memory of one sock or of several (`XDP_SHARED_UMEM`), which the first of them pins.
fn user_memory<M: ReadMemory>(
    walker: &mut Walker<'_, M>,
    layout: &XdpLayout,
    place: u32,
    memory: u64,
) -> Option<()> {
    let list = walker.memory.word(memory + layout.pages)?;
    let count = walker.memory.half(memory + layout.count)?;
    let bytes = walker.memory.word(memory + layout.bytes)?;
    if !is_kernel(list) {
        return None;
    }
    let first = *walker.by_address.entry(memory).or_insert(place);
    let weight = if first == place {
        Weight::Pin
    } else {
        Weight::Shared
    };
    for page in words(walker, list, count, 8) {
        walker.refer(place, page, weight);
    }
    let object = walker.object(place);
    object.kind = ObjectKind::XdpMemory;
    object.payload_bytes = bytes;
    Some(())
}

/// The rings, where they were not given by vmalloc, as they are since Linux 6.2.
fn rings<M: ReadMemory>(walker: &mut Walker<'_, M>, layout: &XdpLayout, place: u32, sock: u64) {
    let of_sock = layout.rings.iter().map(|ring| sock + ring);
    let mut rings: Vec<_> = of_sock.collect();
    // Of a pool that several socks have, one ring each is all there is.
    let pool = walker.memory.word(sock + layout.pool);
    let pool = pool.filter(|&pool| is_kernel(pool) && !walker.by_address.contains_key(&pool));
    if let Some(pool) = pool {
        walker.by_address.insert(pool, place);
        rings.extend(layout.pool_rings.map(|ring| pool + ring));
    }
    for pointer in rings {
        let ring = walker.memory.word(pointer);
        let Some(ring) = ring.filter(|ring| is_kernel(*ring)) else {
            continue;
        };
        if let Some(memory) = walker.memory.word(ring + layout.ring) {
            walker.refer_memory(place, memory, Weight::Block);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernel::objects::sample::{Memory, PLACES, at, page},
        model::Found,
    };

    /// Memory of three page frames, which these socks share; each has a ring of its own.
    fn followed(socks: &[u64]) -> Found {
        let mut memory = Memory::default();
        for (sock, frame) in socks.iter().zip(20..) {
            // Memory, rings, pool.
            memory.put(at(*sock), &[at(90), at(30 + sock), 0, 0, 0, 0]);
            memory.put(at(30 + sock), &[PLACES.address(frame)]);
        }
        memory.put(at(90), &[at(91), 3, 3 * 4096]);
        memory.put(at(91), &[page(7), page(8), page(9)]);
        let ((), found) = memory.walk(|walker| {
            for sock in socks {
                let place = walker.add(ObjectKind::Socket, at(*sock));
                hold(walker, place, at(*sock));
            }
        });
        found
    }

    fn references(found: &Found, object: u32) -> Vec<(u64, Weight)> {
        let references = found.references.iter();
        let references = references.filter(|it| it.object == object);
        references.map(|it| (it.frame, it.weight)).collect()
    }

    #[test]
    fn a_socket_pins_its_memory_and_has_its_rings() {
        let found = followed(&[1]);
        let expected = [
            (20, Weight::Block),
            (7, Weight::Pin),
            (8, Weight::Pin),
            (9, Weight::Pin),
        ];
        assert_eq!(references(&found, 0), expected);
        let object = &found.objects[0];
        assert_eq!(
            (object.kind, object.payload_bytes),
            (ObjectKind::XdpMemory, 12288)
        );
    }

    #[test]
    fn memory_that_two_share_is_pinned_once() {
        let found = followed(&[1, 2]);
        let shared = [7, 8, 9].map(|frame| (frame, Weight::Shared));
        assert_eq!(
            references(&found, 0)[1..],
            [7, 8, 9].map(|it| (it, Weight::Pin))
        );
        assert_eq!(references(&found, 1)[1..], shared);
    }

    #[test]
    fn a_socket_without_memory_holds_none() {
        let mut memory = Memory::default();
        memory.put(at(1), &[0; 6]);
        let ((), found) = memory.walk(|walker| {
            let place = walker.add(ObjectKind::Socket, at(1));
            hold(walker, place, at(1));
        });
        assert_eq!(found.references, []);
        assert_eq!(found.objects[0].kind, ObjectKind::Socket);
    }

    #[test]
    fn a_list_that_cannot_be_read_is_counted() {
        let mut memory = Memory::default();
        memory.put(at(1), &[at(90), 0, 0, 0, 0, 0]);
        memory.put(at(90), &[at(91), u64::from(u32::MAX), 1]);
        let ((), found) = memory.walk(|walker| {
            let place = walker.add(ObjectKind::Socket, at(1));
            hold(walker, place, at(1));
        });
        assert_eq!(found.references, []);
        assert_eq!(found.lost.unreadable, 1);
    }
}
