//! Ring buffers of BPF programs, which `vmap()` maps and no counter has.

use super::{
    files::File,
    layouts::RingBufferLayout,
    rings::words,
    walk::{Walker, is_kernel},
};
use crate::{
    kernel::read_memory::ReadMemory,
    model::{ObjectKind, Reference, Weight},
};

/// The ring buffer of a file; none of another map.
pub(super) fn ring_buffer<M: ReadMemory>(walker: &mut Walker<'_, M>, file: File) -> Option<u32> {
    /// `BPF_MAP_TYPE_RINGBUF` and `BPF_MAP_TYPE_USER_RINGBUF`.
    const TYPES: [u32; 2] = [27, 31];
    let map = file.private;
    if let Some(&place) = walker.by_address.get(&map) {
        return Some(place);
    }
    let layout = *walker.layouts.ring_buffer.as_ref().ok()?;
    let map_type = walker.memory.half(map + layout.map_type)?;
    if !TYPES.contains(&map_type) {
        return None;
    }
    let place = walker.add(ObjectKind::BpfRingBuffer, map);
    walker.by_address.insert(map, place);
    if follow(walker, &layout, place, map).is_none() {
        walker.found.lost.unreadable += 1;
    }
    Some(place)
}

fn follow<M: ReadMemory>(
    walker: &mut Walker<'_, M>,
    layout: &RingBufferLayout,
    place: u32,
    map: u64,
) -> Option<()> {
    /// `BPF_OBJ_NAME_LEN`.
    const LONGEST: usize = 16;
    let name = walker.memory.text(map + layout.name, LONGEST);
    walker.object(place).label = name.filter(|name| !name.is_empty());
    let references = walker.memory.word(map + layout.references)?;
    walker.map_references.insert(place, references);
    let buffer = walker.memory.word(map + layout.buffer)?;
    let pages = walker.memory.word(buffer.checked_add(layout.pages)?)?;
    let count = walker.memory.half(buffer + layout.count)?;
    if !is_kernel(pages) {
        return None;
    }
    for page in words(walker, pages, count, 8) {
        walker.refer(place, page, Weight::Each);
    }
    Some(())
}

impl<M> Walker<'_, M> {
    /// A ring buffer that more refer to than files is held by programs, or by a path of a BPF file
    /// system, as well.
    pub(super) fn count_programs(&mut self) {
        for (place, references) in std::mem::take(&mut self.map_references) {
            let files = self.by_file.values().filter(|it| **it == place).count() as u64;
            if references <= files {
                continue;
            }
            let held = self.found.references.iter().filter(|it| it.object == place);
            let others: Vec<_> = held
                .map(|it| Reference {
                    object: Reference::OTHERS,
                    weight: Weight::Shared,
                    ..*it
                })
                .collect();
            self.found.references.extend(others);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernel::objects::sample::{Memory, at, page},
        model::Found,
    };

    /// A map of this type, to which so many refer, and whose buffer has so many pages.
    fn followed(map_type: u64, references: u64, count: u64) -> (Option<u32>, Found) {
        let mut memory = Memory::default();
        let name = u64::from_ne_bytes(*b"events\0\0");
        memory.put(at(1), &[map_type, name, 0, references, at(2)]);
        memory.put(at(2), &[at(3), count]);
        memory.put(at(3), &[page(7), page(8), page(9)]);
        memory.walk(|walker| {
            let file = |private| File {
                kind: ObjectKind::BpfRingBuffer,
                private,
                inode: 1,
            };
            let place = ring_buffer(walker, file(at(1)));
            // Two files of the same map.
            assert_eq!(ring_buffer(walker, file(at(1))), place);
            walker
                .by_file
                .extend(place.into_iter().flat_map(|it| [(1, it), (2, it)]));
            walker.count_programs();
            place
        })
    }

    fn references(found: &Found) -> Vec<(u64, u32, Weight)> {
        let references = found.references.iter();
        references
            .map(|it| (it.frame, it.object, it.weight))
            .collect()
    }

    #[test]
    fn a_ring_buffer_has_its_pages_and_its_name() {
        for map_type in [27, 31] {
            let (place, found) = followed(map_type, 2, 3);
            assert_eq!(place, Some(0));
            let each = [7, 8, 9].map(|frame| (frame, 0, Weight::Each));
            assert_eq!(references(&found), each);
            assert_eq!(found.objects[0].label.as_deref(), Some("events"));
        }
    }

    #[test]
    fn what_a_program_uses_as_well_is_held_by_others() {
        let (_, found) = followed(27, 3, 1);
        let others = (7, Reference::OTHERS, Weight::Shared);
        assert_eq!(references(&found), [(7, 0, Weight::Each), others]);
    }

    #[test]
    fn another_map_is_none() {
        let (place, found) = followed(1, 2, 3);
        assert_eq!(place, None);
        assert!(found.objects.is_empty() && found.references.is_empty());
    }

    #[test]
    fn more_pages_than_can_be_read_are_counted() {
        let (_, found) = followed(27, 2, u64::from(u32::MAX));
        assert_eq!(references(&found), []);
        assert_eq!(found.lost.unreadable, 1);
    }
}
