//! `struct page`: what the kernel knows of a page frame (include/linux/mm_types.h).
//!
//! Offsets and numbers come from BTF, by their names; where BTF has none, from the kernels that
//! did not have them in an enum yet.

use anyhow::Result;

use super::{
    btf::Btf,
    bytes::{half, word},
};
use crate::model::PageUse;

/// Where in a `struct page` lies what, on this kernel, in bytes.
#[derive(Clone, Debug)]
pub struct PageStruct {
    /// Bytes of one.
    pub size: usize,
    flags: usize,
    /// `compound_head`, bit 0 of which says that it is no first page of its block.
    head: usize,
    mapping: usize,
    references: usize,
    list: usize,
    private: usize,
    /// The type of kernel pages, and how often a user's page is mapped.
    page_type: usize,
    /// How often a large folio is mapped, from its first page on.
    large_mappings: Option<usize>,
    cache: Option<usize>,
    /// Where the first page of a block of hugetlb, which had no type before Linux 6.9, has which
    /// byte.
    hugetlb: Option<(usize, u8)>,
    pool: Option<Pool>,
    charge: Option<Charge>,
    bits: Bits,
    types: Types,
}

/// How pages of a page pool are known.
#[derive(Clone, Copy, Debug)]
struct Pool {
    magic: usize,
    pool: usize,
}

/// How kernel pages are known that are charged to a memory control group.
#[derive(Clone, Copy, Debug)]
enum Charge {
    /// `memcg_data`, bit 1 of which says that it is an object control group (Linux 5.11).
    Data(usize),
    /// `mem_cgroup`, of pages of a type of their own.
    Group(usize),
}

/// Numbers of bits in `flags`.
#[derive(Clone, Copy, Debug)]
struct Bits {
    head: u32,
    reserved: u32,
    swap_backed: u32,
    swap_cache: u32,
    on_lru: u32,
    /// Only before Linux 6.10, where it became a type.
    slab: Option<u32>,
}

/// What a page frame is, by its `struct page` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The first of a free block of this order.
    FreeBlock(u8),
    /// Another than the first of a compound page.
    Tail,
    /// The first of a compound page, or a page by itself; with the address of what it belongs to,
    /// or 0.
    First(PageUse, u64),
}

impl PageStruct {
    /// The layout that BTF describes; an error if it lacks what every kernel since Linux 5.10 has.
    pub fn of(btf: &Btf<'_>) -> Result<Self> {
        let offset = |member| btf.member_offset("page", member).map(|it| it as usize);
        let size = btf.struct_size("page")? as usize;
        let pool = offset("pp_magic").and_then(|magic| Ok((magic, offset("pp")?)));
        let large = btf.member_offset("folio", "_large_mapcount");
        let cache = btf.member_offset("slab", "slab_cache");
        Ok(Self {
            size,
            flags: offset("flags")?,
            // Linux 7.1 renamed it.
            head: offset("compound_head").or_else(|_| offset("compound_info"))?,
            mapping: offset("mapping")?,
            references: offset("_refcount")?,
            list: offset("lru")?,
            private: offset("private")?,
            page_type: offset("page_type").or_else(|_| offset("_mapcount"))?,
            large_mappings: large.ok().map(|it| it as usize),
            cache: cache
                .map(|it| it as usize)
                .or_else(|_| offset("slab_cache"))
                .ok(),
            hugetlb: hugetlb(btf, size),
            pool: pool.ok().map(|(magic, pool)| Pool { magic, pool }),
            charge: (offset("memcg_data").map(Charge::Data))
                .or_else(|_| offset("mem_cgroup").map(Charge::Group))
                .ok(),
            bits: Bits::of(btf)?,
            types: Types::of(btf),
        })
    }

    /// What the page is whose `struct page` begins these bytes; that of its neighbour may follow.
    pub fn look(&self, page: &[u8]) -> Seen {
        if self.is_tail(page) {
            return Seen::Tail;
        }
        match self.kernel_type(page) {
            Some(Type::Buddy) => {
                let order = word(page, self.private).unwrap_or(0);
                Seen::FreeBlock(u8::try_from(order).unwrap_or(u8::MAX))
            }
            Some(Type::Slab) => Seen::First(PageUse::Slab, self.owner(page, self.cache)),
            Some(Type::Is(page_use)) => Seen::First(page_use, 0),
            None => self.untyped(page),
        }
    }

    /// How often something refers to the page whose `struct page` begins these bytes.
    pub fn references(&self, page: &[u8]) -> u32 {
        half(page, self.references).unwrap_or(0)
    }

    /// How often user space has this page mapped, which has no type. Counted from -1 on; what lies
    /// below are types.
    pub fn mappings(&self, page: &[u8]) -> u64 {
        let mappings = half(page, self.page_type).map_or(-1, u32::cast_signed);
        mappings.saturating_add(1).max(0).cast_unsigned().into()
    }

    fn is_tail(&self, page: &[u8]) -> bool {
        word(page, self.head).is_some_and(|head| head & 1 == 1)
    }

    fn has(&self, page: &[u8], bit: u32) -> bool {
        word(page, self.flags).is_some_and(|flags| flags >> bit & 1 == 1)
    }

    fn kernel_type(&self, page: &[u8]) -> Option<Type> {
        if self.bits.slab.is_some_and(|bit| self.has(page, bit)) {
            return Some(Type::Slab);
        }
        if self.is_hugetlb(page) {
            return Some(Type::Is(PageUse::Hugetlb));
        }
        self.types.of_page(half(page, self.page_type)?)
    }

    fn is_hugetlb(&self, page: &[u8]) -> bool {
        let found = self.hugetlb.filter(|_| self.has(page, self.bits.head));
        found.is_some_and(|(at, byte)| page.get(at) == Some(&byte))
    }

    /// A page that has no type: user memory, or kernel memory that its owner keeps to itself.
    fn untyped(&self, page: &[u8]) -> Seen {
        let is = |page_use| Seen::First(page_use, 0);
        if self.has(page, self.bits.reserved) {
            return is(PageUse::Reserved);
        }
        if let Some(pool) = self.pool(page) {
            return Seen::First(PageUse::PagePool, pool);
        }
        let mapping = word(page, self.mapping).unwrap_or(0);
        match mapping & MAPPING_FLAGS {
            0 if mapping == 0 => self.without_mapping(page),
            0 if self.has(page, self.bits.swap_backed) => is(PageUse::Shmem),
            0 => is(PageUse::File),
            MAPPING_MOVABLE => is(PageUse::Zsmalloc),
            _ if self.is_mapped(page) => is(PageUse::Anonymous),
            _ => is(PageUse::AnonymousUnmapped),
        }
    }

    fn without_mapping(&self, page: &[u8]) -> Seen {
        if let Some(group) = self.charge(page) {
            return Seen::First(PageUse::Charged, group);
        }
        let next = word(page, self.list).unwrap_or(0);
        let page_use = match half(page, self.references) {
            Some(0) if next >= KERNEL_ADDRESSES => PageUse::FreeOnCpu,
            Some(0) | None => PageUse::Unreferenced,
            Some(_) if self.has(page, self.bits.on_lru) => PageUse::Pinned,
            Some(_) => PageUse::Plain,
        };
        Seen::First(page_use, 0)
    }

    /// Whether an anonymous page is mapped, or in the swap cache. Without the count of a large
    /// folio it is taken to be.
    fn is_mapped(&self, page: &[u8]) -> bool {
        let mappings = if self.has(page, self.bits.head) {
            self.large_mappings.and_then(|at| half(page, at))
        } else {
            half(page, self.page_type)
        };
        // Counted from -1 on.
        mappings != Some(u32::MAX) || self.has(page, self.bits.swap_cache)
    }

    /// The page pool that the page belongs to (`page_pool_page_is_pp`, include/linux/mm.h).
    fn pool(&self, page: &[u8]) -> Option<u64> {
        /// `PP_SIGNATURE` of include/linux/poison.h on x86-64.
        const SIGNATURE: u64 = 0xdead_0000_0000_0040;
        /// The lowest bits are used by others, and bits 7 to 38 are an index of a DMA mapping
        /// (Linux 6.16, `PP_DMA_INDEX_MASK`).
        const MASK: u64 = !(3 | 0xffff_ffff << 7);
        let Pool { magic, pool } = self.pool?;
        (word(page, magic)? & MASK == SIGNATURE).then(|| word(page, pool))?
    }

    fn charge(&self, page: &[u8]) -> Option<u64> {
        /// `MEMCG_DATA_KMEM`, and all bits beside the address (include/linux/memcontrol.h).
        const KERNEL: u64 = 1 << 1;
        const FLAGS: u64 = 7;
        match self.charge? {
            Charge::Data(at) => {
                let data = word(page, at)?;
                (data & KERNEL != 0).then_some(data & !FLAGS)
            }
            Charge::Group(at) => {
                let is_charged = self.types.is_charged(half(page, self.page_type)?);
                is_charged.then(|| word(page, at))?
            }
        }
    }

    fn owner(&self, page: &[u8], at: Option<usize>) -> u64 {
        at.and_then(|at| word(page, at)).unwrap_or(0)
    }
}

/// The second page of a block has a number of how to free it (`compound_dtor`).
fn hugetlb(btf: &Btf<'_>, size: usize) -> Option<(usize, u8)> {
    let at = btf.member_offset("page", "compound_dtor").ok()?;
    let number = btf.enumerator("HUGETLB_PAGE_DTOR").ok()?;
    Some((size + at as usize, u8::try_from(number).ok()?))
}

/// What the lowest bits of `mapping` say (include/linux/page-flags.h): 1 anonymous memory, 2 movable
/// memory of a driver, both of them merged anonymous memory (KSM).
const MAPPING_FLAGS: u64 = 3;
const MAPPING_MOVABLE: u64 = 2;

/// The kernel's half of the address space begins here on x86-64 (Documentation/arch/x86/x86_64/mm.rst).
/// Poison of list links lies below.
const KERNEL_ADDRESSES: u64 = 0xff00_0000_0000_0000;

impl Bits {
    fn of(btf: &Btf<'_>) -> Result<Self> {
        // Linux 6.11 has a type of this name.
        let slab = btf.enumerator("PG_slab").ok();
        Ok(Self {
            head: btf.enumerator("PG_head")?,
            reserved: btf.enumerator("PG_reserved")?,
            swap_backed: btf.enumerator("PG_swapbacked")?,
            swap_cache: btf.enumerator("PG_swapcache")?,
            on_lru: btf.enumerator("PG_lru")?,
            slab: slab.filter(|&bit| bit < u64::BITS),
        })
    }
}

/// How types of kernel pages are told.
#[derive(Clone, Debug)]
enum Types {
    /// By the upper byte of the word (Linux 6.12).
    Byte(Vec<(u32, Type)>),
    /// By bits that are 0 where all others of `base` are 1.
    Bits {
        base: u32,
        bits: Vec<(u32, Type)>,
        /// The bit of pages that are charged to a control group (before Linux 5.11).
        charged: Option<u32>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Buddy,
    Slab,
    Is(PageUse),
}

impl Types {
    fn of(btf: &Btf<'_>) -> Self {
        let number = |name| btf.enumerator(name).ok();
        let bytes = [
            ("PGTY_buddy", Type::Buddy),
            ("PGTY_slab", Type::Slab),
            ("PGTY_table", Type::Is(PageUse::PageTable)),
            ("PGTY_offline", Type::Is(PageUse::Offline)),
            ("PGTY_hugetlb", Type::Is(PageUse::Hugetlb)),
            ("PGTY_zsmalloc", Type::Is(PageUse::Zsmalloc)),
            ("PGTY_large_kmalloc", Type::Is(PageUse::LargeKmalloc)),
            ("PGTY_netpp", Type::Is(PageUse::PagePool)),
            ("PGTY_unaccepted", Type::Is(PageUse::Free)),
        ];
        let bytes = bytes.map(|(name, page_type)| Some((number(name)?, page_type)));
        let bytes: Vec<_> = bytes.into_iter().flatten().collect();
        if !bytes.is_empty() {
            return Self::Byte(bytes);
        }
        let is_charged = btf.member_offset("page", "mem_cgroup").is_ok();
        let table = if is_charged { 0x400 } else { 0x200 };
        let bits = [
            ("PG_buddy", 0x80, Type::Buddy),
            ("PG_offline", 0x100, Type::Is(PageUse::Offline)),
            ("PG_table", table, Type::Is(PageUse::PageTable)),
            ("PG_hugetlb", 0x800, Type::Is(PageUse::Hugetlb)),
        ];
        Self::Bits {
            base: number("PAGE_TYPE_BASE").unwrap_or(0xf000_0000),
            bits: bits
                .map(|(name, bit, it)| (number(name).unwrap_or(bit), it))
                .to_vec(),
            charged: is_charged.then_some(0x200),
        }
    }

    fn of_page(&self, word: u32) -> Option<Type> {
        let types = match self {
            Self::Byte(types) | Self::Bits { bits: types, .. } => types,
        };
        let found = types.iter().find(|(number, _)| self.is(word, *number));
        found.map(|(_, page_type)| *page_type)
    }

    fn is_charged(&self, word: u32) -> bool {
        match self {
            Self::Byte(_) => false,
            Self::Bits { charged, .. } => charged.is_some_and(|bit| self.is(word, bit)),
        }
    }

    fn is(&self, word: u32, number: u32) -> bool {
        match self {
            Self::Byte(_) => word >> 24 == number,
            Self::Bits { base, .. } => word & (base | number) == *base,
        }
    }
}

#[cfg(test)]
#[path = "page_struct_sample.rs"]
pub(super) mod sample;

#[cfg(test)]
#[path = "page_struct_tests.rs"]
mod tests;
