use super::{
    sample::{layout, page},
    *,
};

/// A kernel with types in bits, as Linux 5.10.
fn old_layout() -> PageStruct {
    PageStruct {
        charge: Some(Charge::Group(56)),
        hugetlb: Some((64 + 16, 2)),
        bits: Bits {
            slab: Some(9),
            ..layout().bits
        },
        types: Types::Bits {
            base: 0xf000_0000,
            bits: vec![(0x80, Type::Buddy), (0x400, Type::Is(PageUse::PageTable))],
            charged: Some(0x200),
        },
        ..layout()
    }
}

const OBJECT: u64 = 0xffff_8880_0001_0040;
const UNREFERENCED: u64 = 0xffff_ffff;

#[track_caller]
fn is(words: &[(usize, u64)], page_use: PageUse, owner: u64) {
    assert_eq!(layout().look(&page(words)), Seen::First(page_use, owner));
}

#[test]
fn kernel_memory_with_a_mark_is_told() {
    is(&[(48, 0xf5ff_ffff), (8, OBJECT)], PageUse::Slab, OBJECT);
    is(&[(48, 0x1_f2ff_ffff)], PageUse::PageTable, 0);
    is(
        &[(8, 0xdead_0000_0000_0040), (16, OBJECT)],
        PageUse::PagePool,
        OBJECT,
    );
    is(
        &[(8, 0xdead_0000_0000_1280), (16, OBJECT)],
        PageUse::Plain,
        0,
    );
    // With the index of a DMA mapping.
    is(
        &[(8, 0xdead_0000_0000_12c0), (16, OBJECT)],
        PageUse::PagePool,
        OBJECT,
    );
    is(&[(56, OBJECT | 2)], PageUse::Charged, OBJECT);
    is(&[(0, 1 << 13)], PageUse::Reserved, 0);
    is(&[], PageUse::Plain, 0);
}

#[test]
fn user_memory_is_told_by_its_mapping() {
    let anonymous = (24, OBJECT | 1);
    is(&[anonymous, (48, 0x1_0000_0000)], PageUse::Anonymous, 0);
    is(&[anonymous], PageUse::AnonymousUnmapped, 0);
    is(&[anonymous, (0, 1 << 10)], PageUse::Anonymous, 0);
    // A large folio's mappings are counted in its second page.
    let large = [anonymous, (0, 1 << 6)];
    is(&[large[0], large[1], (80, 3)], PageUse::Anonymous, 0);
    is(
        &[large[0], large[1], (80, 0xffff_ffff)],
        PageUse::AnonymousUnmapped,
        0,
    );
    is(&[(24, OBJECT)], PageUse::File, 0);
    is(&[(24, OBJECT), (0, 1 << 17)], PageUse::Shmem, 0);
    is(&[(24, OBJECT | 2)], PageUse::Zsmalloc, 0);
    is(&[(0, 1 << 5)], PageUse::Pinned, 0);
}

#[test]
fn free_memory_is_told_from_what_nobody_refers_to() {
    let look = |words: &[(usize, u64)]| layout().look(&page(words));
    assert_eq!(look(&[(48, 0xf0ff_ffff), (40, 9)]), Seen::FreeBlock(9));
    assert_eq!(
        look(&[(48, 0xf0ff_ffff), (40, 1 << 40)]),
        Seen::FreeBlock(255)
    );
    is(
        &[(48, UNREFERENCED), (8, OBJECT & !0x3f)],
        PageUse::FreeOnCpu,
        0,
    );
    is(&[(48, UNREFERENCED)], PageUse::Unreferenced, 0);
    assert_eq!(look(&[(8, OBJECT | 1)]), Seen::Tail);
}

#[test]
fn types_in_bits_are_told() {
    let look = |words: &[(usize, u64)]| old_layout().look(&page(words));
    let first = |page_use, owner| Seen::First(page_use, owner);
    assert_eq!(look(&[(48, !0x80), (40, 3)]), Seen::FreeBlock(3));
    assert_eq!(look(&[(48, 0x1_ffff_fbff)]), first(PageUse::PageTable, 0));
    let charged = [(48, 0x1_ffff_fdff), (56, OBJECT)];
    assert_eq!(look(&charged), first(PageUse::Charged, OBJECT));
    assert_eq!(
        look(&[(0, 1 << 9), (8, OBJECT)]),
        first(PageUse::Slab, OBJECT)
    );
    let hugetlb = [(0, 1 << 6), (80, 2), (24, OBJECT)];
    assert_eq!(look(&hugetlb), first(PageUse::Hugetlb, 0));
    assert_eq!(look(&[]), first(PageUse::Plain, 0));
}

#[test]
fn no_cut_panics() {
    let page = page(&[(48, 0xf5ff_ffff)]);
    for len in 0..page.len() {
        let _ = layout().look(&page[..len]);
        let _ = old_layout().look(&page[..len]);
    }
}
