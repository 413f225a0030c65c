//! Lists and trees of packets, by the address of each. Whoever adds and removes them does not wait, so
//! nothing is followed that does not point back to where it was reached from.

use std::collections::HashSet;

use rustc_hash::FxBuildHasher;

use super::walk::{Walker, is_kernel};
use crate::kernel::{bytes::word, read_memory::ReadMemory};

/// No queue is longer: what is, goes round in a circle.
const LONGEST: usize = 1 << 24;

/// Packets, and whether all of them were found.
pub(super) struct Queue {
    pub(super) packets: Vec<u64>,
    pub(super) is_whole: bool,
}

/// The packets of a `struct sk_buff_head`: a list both ways, which ends where it began.
pub(super) fn list<M: ReadMemory>(walker: &mut Walker<'_, M>, head: u64) -> Queue {
    let mut packets = Vec::new();
    let mut last = head;
    let mut next = walker.memory.word(head).unwrap_or(0);
    while next != head {
        let links = Some(next)
            .filter(|next| is_kernel(*next) && packets.len() < LONGEST)
            .and_then(|next| walker.memory.read(next, 16))
            .map(|bytes| (word(bytes, 0), word(bytes, 8)));
        let Some((Some(after), _)) = links.filter(|links| links.1 == Some(last)) else {
            walker.found.lost.raced += 1;
            return part(packets);
        };
        packets.push(next);
        (last, next) = (next, after);
    }
    whole(packets)
}

/// The packets of a list that only leads on, to 0: a backlog, fragments of a packet.
pub(super) fn chain<M: ReadMemory>(walker: &mut Walker<'_, M>, first: u64) -> Queue {
    let mut packets = Vec::new();
    let mut seen = HashSet::with_hasher(FxBuildHasher);
    let mut next = first;
    while next != 0 {
        let after = Some(next)
            .filter(|next| is_kernel(*next) && seen.insert(*next))
            .and_then(|next| walker.memory.word(next));
        let Some(after) = after else {
            walker.found.lost.raced += 1;
            return part(packets);
        };
        packets.push(next);
        next = after;
    }
    whole(packets)
}

/// The packets of a tree (`struct rb_root`), whose nodes lie at the beginning of each.
pub(super) fn tree<M: ReadMemory>(walker: &mut Walker<'_, M>, root: u64) -> Queue {
    /// The lowest bits of a parent's address are the colour of its child.
    const COLOUR: u64 = 3;
    let mut packets = Vec::new();
    let top = walker.memory.word(root).unwrap_or(0);
    let mut pending = vec![(top, 0)];
    while let Some((node, parent)) = pending.pop() {
        if node == 0 {
            continue;
        }
        let links = Some(node)
            .filter(|node| is_kernel(*node) && packets.len() < LONGEST)
            .and_then(|node| walker.memory.read(node, 24))
            .and_then(|bytes| Some([word(bytes, 0)?, word(bytes, 8)?, word(bytes, 16)?]));
        let Some([_, right, left]) = links.filter(|links| links[0] & !COLOUR == parent) else {
            walker.found.lost.raced += 1;
            return part(packets);
        };
        packets.push(node);
        pending.extend([(right, node), (left, node)]);
    }
    whole(packets)
}

const fn whole(packets: Vec<u64>) -> Queue {
    Queue {
        packets,
        is_whole: true,
    }
}

const fn part(packets: Vec<u64>) -> Queue {
    Queue {
        packets,
        is_whole: false,
    }
}
