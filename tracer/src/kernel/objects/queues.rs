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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::objects::sample::{Memory, at};

    /// A list of these packets whose head is at 0; each points on and back.
    fn queue(packets: &[u64]) -> Memory {
        let all: Vec<_> = [0].iter().chain(packets).map(|it| at(*it)).collect();
        let mut memory = Memory::default();
        for (i, address) in all.iter().enumerate() {
            let after = all[(i + 1) % all.len()];
            let before = all[(i + all.len() - 1) % all.len()];
            memory.put(*address, &[after, before]);
        }
        memory
    }

    fn addresses(packets: &[u64]) -> Vec<u64> {
        packets.iter().map(|it| at(*it)).collect()
    }

    #[test]
    fn a_list_ends_where_it_began() {
        let (found_queue, found) = queue(&[3, 1, 2]).walk(|walker| list(walker, at(0)));
        assert_eq!(found_queue.packets, addresses(&[3, 1, 2]));
        assert!(found_queue.is_whole);
        assert_eq!(found.lost.raced, 0);
        let (empty, _) = queue(&[]).walk(|walker| list(walker, at(0)));
        assert!(empty.is_whole && empty.packets.is_empty());
    }

    #[test]
    fn what_does_not_point_back_is_not_followed() {
        let mut memory = queue(&[1, 2, 3]);
        // It was taken off, and put into another list.
        memory.put(at(2), &[at(9), at(8)]);
        let (queue, found) = memory.walk(|walker| list(walker, at(0)));
        assert_eq!(queue.packets, addresses(&[1]));
        assert!(!queue.is_whole);
        assert_eq!(found.lost.raced, 1);
    }

    #[test]
    fn a_circle_beside_the_head_ends() {
        let mut memory = Memory::default();
        memory.put(at(0), &[at(1), at(1)]);
        memory.put(at(1), &[at(2), at(0)]);
        memory.put(at(2), &[at(1), at(1)]);
        let (queue, found) = memory.walk(|walker| list(walker, at(0)));
        assert!(!queue.is_whole);
        assert_eq!((queue.packets.len(), found.lost.raced), (2, 1));
    }

    #[test]
    fn a_chain_that_goes_round_ends() {
        let mut memory = Memory::default();
        for (packet, next) in [(1, 2), (2, 3), (3, 2)] {
            memory.put(at(packet), &[at(next)]);
        }
        let (queue, found) = memory.walk(|walker| chain(walker, at(1)));
        assert_eq!(queue.packets, addresses(&[1, 2, 3]));
        assert!(!queue.is_whole && found.lost.raced == 1);
    }

    #[test]
    fn a_tree_is_followed_by_parents() {
        let mut memory = Memory::default();
        memory.put(at(0), &[at(1)]);
        // Parent with its colour, right, left.
        memory.put(at(1), &[1, at(3), at(2)]);
        memory.put(at(2), &[at(1) | 1, 0, 0]);
        memory.put(at(3), &[at(1), 0, 0]);
        let (queue, _) = memory.walk(|walker| tree(walker, at(0)));
        assert_eq!(queue.packets, addresses(&[1, 2, 3]));
        assert!(queue.is_whole);
    }

    #[test]
    fn a_node_of_another_tree_is_not_followed() {
        let mut memory = Memory::default();
        memory.put(at(0), &[at(1)]);
        memory.put(at(1), &[0, 0, at(2)]);
        memory.put(at(2), &[at(7), 0, 0]);
        let (queue, found) = memory.walk(|walker| tree(walker, at(0)));
        assert_eq!(queue.packets, addresses(&[1]));
        assert!(!queue.is_whole && found.lost.raced == 1);
    }
}
