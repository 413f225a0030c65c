use super::*;
use crate::{
    kernel::objects::sample::{Memory, PLACES, at, page},
    model::Found,
};

/// What `skb->dataref` and the like are of a packet that nobody shares.
fn put_packet(memory: &mut Memory, packet: u64, frame: u64) {
    let head = PLACES.address(frame);
    memory.put(packet, &[0, 0, 0, 0, 0, 100, head, 1024, 2048]);
    memory.put(head + 1024, &[0, 0, 1, 0, 0, 0, 0]);
}

/// A file whose sock has no packets, and whose ring has these entries, from head and tail on.
fn put_file(memory: &mut Memory, head: u64, tail: u64, slots: u64, entries: &[u64]) {
    let file = at(1);
    let list = |at: u64| [file + at; 2];
    let sock = [
        &[at(2)][..],
        &list(8),
        &list(24),
        &list(40),
        // An empty backlog, and a fragment.
        &[0, 0, page(30)],
    ];
    let of_tun = [
        &[file, at(3)][..],
        &[head | tail << 32, slots, at(5)],
        &[0; 2],
    ];
    memory.put(file, &[sock.concat(), of_tun.concat()].concat());
    let text = |name: &[u8; 8]| u64::from_ne_bytes(*name);
    memory.put(at(2), &[text(b"tun\0\0\0\0\0")]);
    memory.put(at(3), &[at(4)]);
    memory.put(at(4), &[text(b"tap0\0\0\0\0"), 0, at(6)]);
    memory.put(at(5), entries);
    memory.put(at(6), &[4711]);
}

fn followed(memory: Memory) -> (Option<u32>, Found) {
    let file = File {
        kind: ObjectKind::TunQueue,
        private: at(1),
        inode: 9,
    };
    memory.walk(|walker| queue(walker, file))
}

fn frames(found: &Found) -> Vec<u64> {
    found.references.iter().map(|it| it.frame).collect()
}

#[test]
fn a_queue_has_packets_and_frames_and_its_device() {
    let mut memory = Memory::default();
    put_packet(&mut memory, at(10), 40);
    put_packet(&mut memory, at(11), 41);
    let frame = PLACES.address(42) + 8;
    memory.put(frame, &[0, 200]);
    put_file(&mut memory, 0, 0, 4, &[at(10), at(11), frame | 1, 0]);
    let (place, found) = followed(memory);
    assert_eq!(place, Some(0));
    assert_eq!(frames(&found), [30, 40, 41, 42]);
    let object = &found.objects[0];
    assert_eq!(object.payload_bytes, 400);
    assert_eq!(
        (object.label.as_deref(), object.netns),
        (Some("tap0"), 4711)
    );
    assert_eq!(found.lost, crate::model::Lost::default());
}

#[test]
fn what_was_taken_out_and_not_zeroed_yet_is_not_held() {
    let mut memory = Memory::default();
    put_packet(&mut memory, at(12), 43);
    // The packets of the first two entries may be anything by now.
    put_file(&mut memory, 2, 0, 4, &[at(10), at(11), at(12), 0]);
    let (_, found) = followed(memory);
    assert_eq!(frames(&found), [30, 43]);
    assert_eq!(found.lost.unreadable, 0);
}

#[test]
fn a_ring_beyond_all_bounds_is_not_believed() {
    for (head, tail, slots) in [(5, 0, 4), (1, 2, 4), (0, 0, u64::from(u32::MAX))] {
        let mut memory = Memory::default();
        put_file(&mut memory, head, tail, slots, &[at(10); 4]);
        let (_, found) = followed(memory);
        assert_eq!(frames(&found), [30], "{head} {tail} {slots}");
        assert_eq!(found.lost.raced, 1);
    }
}

#[test]
fn a_file_that_was_never_attached_has_no_ring() {
    let mut memory = Memory::default();
    put_file(&mut memory, 0, 0, 0, &[]);
    memory.put(at(3), &[0]);
    let (_, found) = followed(memory);
    assert_eq!(found.objects[0].label, None);
    assert_eq!(frames(&found), [30]);
}

#[test]
fn a_file_of_another_driver_is_none() {
    let mut memory = Memory::default();
    put_file(&mut memory, 0, 0, 0, &[]);
    memory.put(at(2), &[u64::from_ne_bytes(*b"tunnel\0\0")]);
    let (place, found) = followed(memory);
    assert_eq!(place, None);
    assert!(found.objects.is_empty());
}
