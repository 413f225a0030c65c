//! Files of tun, tap and macvtap devices: the packets that wait to be read from one.

use super::{
    files::File,
    layouts::TunLayout,
    packets,
    rings::words,
    sockets,
    walk::{Walker, is_kernel},
};
use crate::{
    kernel::read_memory::ReadMemory,
    model::{FoundObject, ObjectKind, Walked, Weight},
};

/// No ring has more entries: `txqueuelen` of a device that anybody uses is far less.
const MOST: u32 = 1 << 24;

/// Of an entry, what tells an XDP frame from a packet (`TUN_XDP_FLAG`, include/linux/if_tun.h).
const IS_FRAME: u64 = 1;

/// Whether a file with this `private_data` is one, and of which driver: the file begins with a sock, its
/// socket points back there, and the sock's protocol has the driver's name.
pub(super) fn layout<M: ReadMemory>(walker: &mut Walker<'_, M>, private: u64) -> Option<TunLayout> {
    let layouts = walker.layouts;
    let protocol = layouts.socket.as_ref().ok()?.protocol_operations;
    let mut layouts = layouts.tun.iter();
    let found = layouts.find(|layout| {
        let mut name = || {
            let sock = walker.memory.word(private.checked_add(layout.sock)?)?;
            let protocol = walker.memory.word(private + protocol)?;
            if sock != private || !is_kernel(protocol) {
                return None;
            }
            let at = protocol + layout.protocol_name;
            walker.memory.text(at, layout.protocol.len() + 1)
        };
        name().is_some_and(|name| name == layout.protocol)
    });
    found.copied()
}

/// The queue of a file; none of one that is not of these drivers.
pub(super) fn queue<M: ReadMemory>(walker: &mut Walker<'_, M>, file: File) -> Option<u32> {
    if let Some(&place) = walker.by_address.get(&file.private) {
        return Some(place);
    }
    let layout = layout(walker, file.private)?;
    let place = walker.add(ObjectKind::TunQueue, file.private);
    walker.by_address.insert(file.private, place);
    name(walker, &layout, place, file.private);
    sockets::hold_queues(walker, place, file.private);
    if ring(walker, &layout, place, file.private).is_none() {
        walker.found.lost.unreadable += 1;
    }
    Some(place)
}

/// The network device that it is attached to, if it is.
fn name<M: ReadMemory>(walker: &mut Walker<'_, M>, layout: &TunLayout, place: u32, file: u64) {
    /// `IFNAMSIZ`.
    const LONGEST: usize = 16;
    let follow = |walker: &mut Walker<'_, M>, at: u64| {
        let pointer = walker.memory.word(at);
        pointer.filter(|pointer| is_kernel(*pointer))
    };
    let attached = follow(walker, file + layout.attached);
    let device = attached.and_then(|it| follow(walker, it + layout.device));
    let Some(device) = device else {
        return;
    };
    let label = walker.memory.text(device + layout.device_name, LONGEST);
    let netns = match (
        follow(walker, device + layout.device_namespace),
        &walker.layouts.socket,
    ) {
        (Some(namespace), Ok(socket)) => walker.memory.half(namespace + socket.namespace_number),
        _ => None,
    };
    let object = walker.object(place);
    *object = FoundObject {
        label,
        netns: netns.unwrap_or(0).into(),
        ..object.clone()
    };
}

/// Adds what the ring of a file has. Its entries are 0 where there is none; but for those that were taken
/// out last, from the tail to the head (`__ptr_ring_discard_one`, include/linux/ptr_ring.h).
fn ring<M: ReadMemory>(
    walker: &mut Walker<'_, M>,
    layout: &TunLayout,
    place: u32,
    file: u64,
) -> Option<()> {
    let head = walker.memory.half(file + layout.head)?;
    let tail = walker.memory.half(file + layout.tail)?;
    let slots = walker.memory.half(file + layout.slots)?;
    let entries = walker.memory.word(file + layout.entries)?;
    // A file that was never attached has none.
    if slots == 0 || !is_kernel(entries) {
        return Some(());
    }
    if slots > MOST || head > slots || tail > head {
        walker.found.lost.raced += 1;
        return Some(());
    }
    let taken = tail..head;
    let entries = (0..).zip(words(walker, entries, slots, 8));
    let entries = entries.filter(|(slot, entry)| *entry != 0 && !taken.contains(slot));
    let (frames, packets): (Vec<_>, Vec<_>) = entries
        .map(|(_, entry)| entry)
        .partition(|entry| entry & IS_FRAME != 0);
    let mut walked = Walked::default();
    packets::hold(walker, place, &packets, &mut walked);
    let mut payload = walked.payload_bytes;
    for frame in frames {
        payload += xdp_frame(walker, layout, place, frame & !IS_FRAME).unwrap_or(0);
    }
    walker.object(place).payload_bytes += payload;
    Some(())
}

/// An XDP frame lies at the beginning of the page that has its data (`xdp_convert_buff_to_frame`,
/// include/net/xdp.h).
fn xdp_frame<M: ReadMemory>(
    walker: &mut Walker<'_, M>,
    layout: &TunLayout,
    place: u32,
    frame: u64,
) -> Option<u64> {
    if !is_kernel(frame) {
        walker.found.lost.strays += 1;
        return None;
    }
    walker.refer_memory(place, frame, Weight::Each);
    let len = walker.memory.half(frame + layout.frame_len)?;
    Some(len.into())
}

#[cfg(test)]
#[path = "tun_tests.rs"]
mod tests;
