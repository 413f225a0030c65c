//! Page structs that no kernel has, for tests.

use super::*;

/// A kernel with types in a byte, as Linux 6.18 has them on x86-64.
pub(in crate::kernel) fn layout() -> PageStruct {
    PageStruct {
        size: 64,
        flags: 0,
        head: 8,
        mapping: 24,
        references: 52,
        list: 8,
        private: 40,
        page_type: 48,
        large_mappings: Some(64 + 16),
        cache: Some(8),
        hugetlb: None,
        pool: Some(Pool { magic: 8, pool: 16 }),
        charge: Some(Charge::Data(56)),
        bits: Bits {
            head: 6,
            reserved: 13,
            swap_backed: 17,
            swap_cache: 10,
            on_lru: 5,
            slab: None,
        },
        types: Types::Byte(vec![
            (0xf0, Type::Buddy),
            (0xf2, Type::Is(PageUse::PageTable)),
            (0xf5, Type::Slab),
        ]),
    }
}

/// A page that somebody has a reference to, without a type, on no list, with these words besides.
pub(super) fn page(words: &[(usize, u64)]) -> Vec<u8> {
    let mut page = vec![0; 128];
    let base = [(8, 0xdead_0000_0000_0100), (48, 0x1_ffff_ffff)];
    for &(at, word) in base.iter().chain(words) {
        page[at..at + 8].copy_from_slice(&word.to_ne_bytes());
    }
    page
}

/// A slab cache.
pub(in crate::kernel) const CACHE: u64 = 0xffff_8880_0001_0040;

/// Some kinds of page frames.
#[derive(Clone, Copy)]
pub(in crate::kernel) enum Page {
    /// The first of a free block of this order.
    Free(u64),
    Slab,
    Tail,
    Plain,
    /// Without a reference, a type or a place on a list.
    Loose,
}

/// Its bytes.
pub(in crate::kernel) fn bytes(kind: Page) -> Vec<u8> {
    match kind {
        Page::Free(order) => page(&[(48, 0xf0ff_ffff), (40, order)]),
        Page::Slab => page(&[(48, 0xf5ff_ffff), (8, CACHE)]),
        Page::Tail => page(&[(8, CACHE | 1)]),
        Page::Plain => page(&[]),
        Page::Loose => page(&[(48, 0xffff_ffff)]),
    }
}
