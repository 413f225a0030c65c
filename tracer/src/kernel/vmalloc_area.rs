//! What vmalloc keeps of each of its areas (`struct vmap_area` and `struct vm_struct`,
//! include/linux/vmalloc.h), from their bytes.

use anyhow::Result;

use super::{
    btf::Btf,
    bytes::{half, word},
    objects::Places,
};

/// Where in these structs lies what, on this kernel, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct VmallocLayout {
    /// Bytes of a `vmap_area`.
    pub area_size: usize,
    /// Bytes of a `vm_struct`.
    pub memory_size: usize,
    start: usize,
    end: usize,
    node: usize,
    memory: usize,
    address: usize,
    flags: usize,
    pages: usize,
    count: usize,
    caller: usize,
}

/// A range of addresses, and the address of what is known of its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VmapArea {
    /// Where it begins.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
    /// Its `vm_struct`.
    pub memory: u64,
}

/// The memory of an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VmallocMemory {
    /// The address of a list of `struct page *`.
    pub pages: u64,
    /// How many there are.
    pub count: u32,
    /// The address in the function that asked for it.
    pub caller: u64,
}

impl VmallocLayout {
    /// The layout that BTF describes.
    pub fn of(btf: &Btf<'_>) -> Result<Self> {
        let area = |member| btf.member_offset("vmap_area", member).map(|it| it as usize);
        let memory = |member| btf.member_offset("vm_struct", member).map(|it| it as usize);
        Ok(Self {
            area_size: btf.struct_size("vmap_area")? as usize,
            memory_size: btf.struct_size("vm_struct")? as usize,
            start: area("va_start")?,
            end: area("va_end")?,
            node: area("rb_node")?,
            memory: area("vm")?,
            address: memory("addr")?,
            flags: memory("flags")?,
            pages: memory("pages")?,
            count: memory("nr_pages")?,
            caller: memory("caller")?,
        })
    }

    /// The area that these bytes at an address are, if they can be one: what was given back is
    /// none, nor is what else is kept in a cache of this size.
    pub fn area(&self, address: u64, bytes: &[u8]) -> Option<VmapArea> {
        let [start, end, memory] = [self.start, self.end, self.memory].map(|at| word(bytes, at));
        let (start, end, memory) = (start?, end?, memory?);
        let is_area = start < end && is_in_kernel(start) && is_in_kernel(memory);
        (is_area && self.is_in_use(address, bytes)?).then_some(VmapArea { start, end, memory })
    }

    /// Whether the area is in the tree of those in use. One that was taken out is its own parent
    /// from then on (`RB_CLEAR_NODE` in `__unlink_va`, mm/vmalloc.c), and keeps all else for long,
    /// as do its memory and the list of its pages.
    fn is_in_use(&self, address: u64, bytes: &[u8]) -> Option<bool> {
        /// The parent's address has the node's colour in its lowest bits.
        const COLOUR: u64 = 3;
        let parent = word(bytes, self.node)? & !COLOUR;
        Some(parent != address.wrapping_add(self.node as u64))
    }

    /// The memory that these bytes describe, if it is that of the area and its own: memory that
    /// others took is only mapped there (`vmap`). Page frames have so many bytes.
    pub fn memory(&self, area: VmapArea, bytes: &[u8], page_size: u64) -> Option<VmallocMemory> {
        /// `VM_ALLOC`, and `VM_MAP_PUT_PAGES` of memory that was handed over.
        const OWN: u64 = 0x2 | 0x200;
        let is_own = word(bytes, self.flags)? & OWN != 0;
        let is_areas = word(bytes, self.address)? == area.start;
        let memory = VmallocMemory {
            pages: word(bytes, self.pages)?,
            count: half(bytes, self.count)?,
            caller: word(bytes, self.caller)?,
        };
        // However stale it is, an area has no more pages than addresses.
        let most = (area.end - area.start) / page_size;
        let is_possible = (1..=most).contains(&memory.count.into());
        (is_own && is_areas && is_possible && is_in_kernel(memory.pages)).then_some(memory)
    }
}

/// The page frames of a list of `struct page *`, or of a part of one; none if any word is something else.
///
/// A list that was given back has the address of the next free object in its middle (`get_freepointer`,
/// mm/slub.c, Linux 5.7), and that of an area that was given back can still be found.
pub fn page_frames(list: &[u8], places: &Places) -> Option<Vec<u64>> {
    let pages = (0..list.len()).step_by(size_of::<u64>());
    pages.map(|at| places.of_page(word(list, at)?)).collect()
}

/// Whether an address is of the kernel's half and aligned to words.
const fn is_in_kernel(address: u64) -> bool {
    address >> 56 == 0xff && address.is_multiple_of(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: VmallocLayout = VmallocLayout {
        area_size: 32,
        memory_size: 40,
        start: 0,
        end: 8,
        node: 24,
        memory: 16,
        address: 0,
        flags: 8,
        pages: 16,
        count: 24,
        caller: 32,
    };
    const START: u64 = 0xffff_c900_0000_1000;
    const LIST: u64 = 0xffff_8880_0000_2000;

    fn bytes(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    #[test]
    fn an_area_has_a_range_and_memory() {
        let end = START + 0x2000;
        let area = VmapArea {
            start: START,
            end,
            memory: LIST,
        };
        let is = |words: &[u64]| LAYOUT.area(LIST, &bytes(words));
        assert_eq!(is(&[START, end, LIST, LIST | 1]), Some(area));
        assert_eq!(is(&[START, end, LIST, 0]), Some(area), "the root");
        assert_eq!(is(&[START, end, LIST, LIST + 24]), None, "given back");
        assert_eq!(is(&[START, START, LIST, 0]), None, "it has no bytes");
        assert_eq!(is(&[START, end, 0x1234, 0]), None, "a size");
        assert_eq!(is(&[START, end, LIST]), None, "cut short");
    }

    #[test]
    fn only_memory_of_its_own_counts() {
        let area = VmapArea {
            start: START,
            end: START + 0x4000,
            memory: LIST,
        };
        let is = |words: &[u64]| LAYOUT.memory(area, &bytes(words), 4096);
        let memory = VmallocMemory {
            pages: LIST,
            count: 3,
            caller: 7,
        };
        assert_eq!(is(&[START, 0x22, LIST, 3, 7]), Some(memory));
        assert_eq!(is(&[START, 0x4, LIST, 3, 7]), None, "vmap");
        assert_eq!(is(&[START + 8, 0x2, LIST, 3, 7]), None, "another's");
        assert_eq!(is(&[START, 0x2, LIST, 0, 7]), None, "no pages");
        assert_eq!(
            is(&[START, 0x2, LIST, 5, 7]),
            None,
            "more than it has room for"
        );
        let one = |count| LAYOUT.memory(area, &bytes(&[START, 0x22, LIST, count, 7]), 16 << 10);
        assert_eq!(one(1).map(|it| it.count), Some(1));
        assert_eq!(one(2), None, "page frames are larger here");
    }

    #[test]
    fn a_list_that_was_given_back_names_no_page_frames() {
        let places = Places {
            page_structs: 0xffff_ea00_0000_0000,
            page_struct_size: 64,
            direct_map: 0xffff_8880_0000_0000,
            end: 1000,
            page_size: 4096,
        };
        let page = |frame: u64| places.page_structs + frame * 64;
        let is = |words: &[u64]| page_frames(&bytes(words), &places);
        assert_eq!(is(&[page(7), page(9)]), Some(vec![7, 9]));
        assert_eq!(is(&[page(7), LIST]), None, "the next free object");
        assert_eq!(is(&[page(7), 0, page(9)]), None, "there is none");
        assert_eq!(is(&[page(7), page(1000)]), None, "no memory");
    }
}
