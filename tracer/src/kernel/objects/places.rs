//! Which page frame a pointer of the kernel leads to.

use crate::kernel::page_struct::PageStruct;

/// Where page structs and the direct map of all memory lie.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    /// Address of the page struct of page frame 0.
    pub page_structs: u64,
    /// Bytes of one.
    pub page_struct_size: u64,
    /// Address of the memory of page frame 0.
    pub direct_map: u64,
    /// The first page frame behind all memory.
    pub end: u64,
    /// Bytes of a page frame.
    pub page_size: u64,
}

impl Places {
    /// With page structs of this layout.
    pub const fn new(
        page_structs: u64,
        layout: &PageStruct,
        direct_map: u64,
        end: u64,
        page_size: u64,
    ) -> Self {
        Self {
            page_structs,
            page_struct_size: layout.size as u64,
            direct_map,
            end,
            page_size,
        }
    }

    /// The page frame of a `struct page *`; none if it cannot be one.
    pub fn of_page(&self, page: u64) -> Option<u64> {
        let offset = page.wrapping_sub(self.page_structs);
        let is_one = offset.is_multiple_of(self.page_struct_size);
        let frame = offset / self.page_struct_size;
        (is_one && page >> 56 == 0xff && frame < self.end && frame != 0).then_some(frame)
    }

    /// The page frame that memory at an address lies in; none of vmalloc, and of what is no memory.
    pub fn of_address(&self, address: u64) -> Option<u64> {
        // Wraps where memory begins below 0, as the randomization of arm64 has it.
        let frame = address.wrapping_sub(self.direct_map) / self.page_size;
        (frame < self.end && address >> 56 == 0xff).then_some(frame)
    }

    /// The address of a page frame's memory.
    pub const fn address(&self, frame: u64) -> u64 {
        self.direct_map
            .wrapping_add(frame.wrapping_mul(self.page_size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: Places = Places {
        page_structs: 0xffff_ea00_0000_0000,
        page_struct_size: 64,
        direct_map: 0xffff_8880_0000_0000,
        end: 1000,
        page_size: 4096,
    };

    #[test]
    fn pointers_lead_to_page_frames() {
        let page = |frame: u64| PLACES.page_structs + frame * 64;
        assert_eq!(PLACES.of_page(page(999)), Some(999));
        assert_eq!(PLACES.of_page(page(1000)), None, "behind all memory");
        assert_eq!(PLACES.of_page(page(9) + 8), None, "not the first byte");
        assert_eq!(PLACES.of_page(0), None);
        assert_eq!(PLACES.of_page(PLACES.page_structs - 64), None);
        assert_eq!(PLACES.of_address(PLACES.address(7) + 4095), Some(7));
        assert_eq!(PLACES.of_address(PLACES.address(1000)), None);
        assert_eq!(PLACES.of_address(4096), None);
    }
}
