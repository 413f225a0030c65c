//! The owner of a stack: the first function that is not the allocator itself.
//!
//! Names move between releases (`__alloc_pages_nodemask`, `__alloc_pages`,
//! `__alloc_pages_noprof`, `__alloc_frozen_pages_noprof`) and compilers add to
//! them, so a name is reduced to its stem and looked up in the families below.

use crate::model::{Frame, Kind};

/// Stems of the layers between a caller and the buddy allocator. An entry that
/// ends in `*` stands for everything that begins so.
const ALLOCATOR: &[&[&str]] = &[
    PAGES,
    SLAB,
    VMALLOC,
    PAGE_TABLES,
    PERCPU,
    DMA,
    PAGE_FRAGMENTS,
    SOCKET_BUFFERS,
    PAGE_CACHE,
];

/// mm/page_alloc.c, mm/mempolicy.c, include/linux/gfp.h
const PAGES: &[&str] = &[
    "alloc_page",
    "alloc_page_interleave",
    "alloc_pages",
    "alloc_pages_bulk*",
    "alloc_pages_current",
    "alloc_pages_exact*",
    "alloc_pages_mpol",
    "alloc_pages_node",
    "alloc_pages_nodemask",
    "alloc_pages_nolock*",
    "alloc_pages_preferred_many",
    "alloc_pages_slowpath",
    "alloc_pages_vma",
    "alloc_frozen_pages*",
    "folio_alloc",
    "folio_alloc_mpol",
    "folio_alloc_node",
    "get_free_page",
    "get_free_pages",
    "get_zeroed_page",
    "vma_alloc_anon_folio*",
    "vma_alloc_folio",
];

/// mm/slub.c, mm/slab_common.c, mm/util.c
const SLAB: &[&str] = &[
    "alloc_from_new_slab",
    "alloc_from_pcs",
    "alloc_single_from_new_slab",
    "alloc_slab_page",
    "allocate_slab",
    "do_kmalloc*",
    "kmalloc",
    "kmalloc_array*",
    "kmalloc_cache*",
    "kmalloc_large*",
    "kmalloc_node*",
    "kmalloc_nolock*",
    "kmalloc_order*",
    "kmalloc_reserve",
    "kmalloc_track_caller",
    "kmalloc_trace",
    "kmem_cache_alloc*",
    "kmem_cache_refill_sheaf",
    "kmemdup*",
    "krealloc*",
    "kstrdup*",
    "new_slab",
    "new_slab_objects",
    "pcs_replace_empty_main",
    "refill_objects",
    "refill_sheaf",
    "slab_alloc*",
];

/// mm/vmalloc.c, mm/util.c
const VMALLOC: &[&str] = &[
    "get_vm_area_node",
    "kvmalloc*",
    "kvrealloc*",
    "kvzalloc",
    "vm_area_alloc_pages",
    "vmalloc*",
    "vzalloc*",
    "vcalloc*",
    "vrealloc*",
];

/// arch/x86/mm/pgtable.c, include/asm-generic/pgalloc.h, mm/memory.c
const PAGE_TABLES: &[&str] = &[
    "p4d_alloc",
    "pagetable_alloc*",
    "pmd_alloc",
    "pte_alloc",
    "pte_alloc_kernel",
    "pte_alloc_one*",
    "pud_alloc",
];

/// mm/percpu.c, mm/percpu-vm.c
const PERCPU: &[&str] = &[
    "alloc_percpu*",
    "alloc_reserved_percpu",
    "pcpu_alloc*",
    "pcpu_create_chunk",
    "pcpu_populate_chunk",
];

/// kernel/dma/
const DMA: &[&str] = &[
    "dma_alloc*",
    "dma_common_alloc_pages",
    "dma_direct_alloc*",
    "dma_pool_alloc",
    "dmam_alloc*",
    "iommu_dma_alloc*",
];

/// mm/page_frag_cache.c, net/core/page_pool.c, net/core/sock.c
const PAGE_FRAGMENTS: &[&str] = &[
    "napi_alloc_frag*",
    "netdev_alloc_frag*",
    "page_frag_alloc*",
    "page_frag_cache_refill",
    "page_frag_cache_prepare",
    "page_frag_refill*",
    "page_pool_alloc*",
    "page_pool_dev_alloc*",
    "sk_page_frag_refill",
    "skb_page_frag_refill",
];

/// net/core/skbuff.c, net/core/sock.c
const SOCKET_BUFFERS: &[&str] = &[
    "alloc_skb*",
    "napi_alloc_skb*",
    "netdev_alloc_skb*",
    "pskb_expand_head",
    "sock_alloc_send_pskb",
    "sock_alloc_send_skb",
    "sock_wmalloc",
    "tcp_stream_alloc_skb",
];

/// mm/filemap.c, fs/buffer.c
const PAGE_CACHE: &[&str] = &[
    "bdev_getblk",
    "bread_gfp",
    "filemap_alloc_folio",
    "filemap_get_folio*",
    "getblk_gfp",
    "getblk_slow",
    "grow_dev_folio",
    "pagecache_get_page",
];

/// kernel/bpf/syscall.c
const BPF_SYSCALL: &[&str] = &["do_sys_bpf", "sys_bpf", "x64_sys_bpf"];

/// Functions that take pages of a kind which a flag tells on every kernel since 5.10, as
/// long as they are what they were taken as. Other page tables have the flag on some
/// (b2b29d6d0119, 55d2a0bd5ead), so nothing follows from its absence.
const FLAGGED: &[(&[&str], Kind)] = &[
    // `alloc_slab_page`, mm/slub.c
    (
        &["alloc_slab_page", "allocate_slab", "new_slab"],
        Kind::Slab,
    ),
    // `pagetable_pte_ctor`, arch/x86/mm/pgtable.c
    (&["pte_alloc_one"], Kind::PageTable),
];

/// Functions that take pages for a line of `/proc/meminfo` which no page flag
/// tells, with the kind such a page is.
const ACCOUNTED: &[(&[&str], Kind)] = &[
    // `nr_vmalloc_pages`, mm/vmalloc.c
    (
        &[
            "vm_area_alloc_pages",
            "vmalloc_area_node",
            "vmalloc_node_range",
        ],
        Kind::Vmalloc,
    ),
    // `pcpu_nr_populated`, mm/percpu.c
    (&["pcpu_alloc_pages", "pcpu_populate_chunk"], Kind::Percpu),
    // `NR_SLAB_UNRECLAIMABLE_B`, mm/slub.c, mm/slab_common.c
    (&["kmalloc_large*", "kmalloc_order"], Kind::Slab),
];

/// What the name of a function tells about the way to a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Role {
    is_allocator: bool,
    is_page_table: bool,
    is_bpf_syscall: bool,
    way: Option<Way>,
}

/// What the way to a page tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The page is of this kind, and no flag says so.
    Accounted(Kind),
    /// The page is of this kind, and a flag says so.
    Flagged(Kind),
    /// Another pagetrace took it for its maps and programs.
    Tracer,
    /// The functions have no names.
    Unnamed,
}

impl Role {
    /// The role of a function; it takes some hundred comparisons.
    pub(super) fn of(frame: &Frame) -> Self {
        frame.symbol.as_deref().map_or(Self::default(), Self::named)
    }

    fn named(symbol: &str) -> Self {
        let is_in = |family: &&[&str]| is_one_of(family, symbol);
        let kind = |table: &[(&[&str], Kind)]| {
            let mut found = table.iter().filter(|(patterns, _)| is_in(patterns));
            found.next().map(|&(_, kind)| kind)
        };
        let flagged = kind(FLAGGED).map(Way::Flagged);
        Self {
            is_allocator: ALLOCATOR.iter().any(is_in),
            is_page_table: is_in(&PAGE_TABLES),
            is_bpf_syscall: is_in(&BPF_SYSCALL),
            way: flagged.or_else(|| kind(ACCOUNTED).map(Way::Accounted)),
        }
    }
}

/// What the way that pages were taken tells of them. Only frames inside the allocator
/// count: what lies below has its own uses for pages, and so have the page tables of
/// what is being mapped.
pub(super) fn way(roles: &[Role]) -> Option<Way> {
    let mut telling = roles[..index(roles)?].iter();
    telling
        .find(|role| role.is_page_table || role.way.is_some())?
        .way
}

/// Whether bpf(2) took the pages, for maps and programs.
pub(super) fn is_bpf_syscall(roles: &[Role]) -> bool {
    roles.iter().any(|role| role.is_bpf_syscall)
}

/// Index of the owner in a stack, innermost first. A stack that is nothing
/// but allocator belongs to its outermost frame; one without a name at the
/// caller's place belongs to that address.
pub(super) fn index(roles: &[Role]) -> Option<usize> {
    let owner = roles.iter().position(|role| !role.is_allocator);
    owner.or(roles.len().checked_sub(1))
}

fn is_one_of(patterns: &[&str], symbol: &str) -> bool {
    let stem = stem(symbol);
    patterns.iter().any(|pattern| matches(pattern, stem))
}

fn matches(pattern: &str, stem: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => stem.starts_with(prefix),
        None => pattern == stem,
    }
}

/// The name without leading underscores and without what compilers
/// (`.constprop.0`, `.isra.0`, `.cold`) and allocation profiling (`_noprof`) add.
pub(super) fn stem(symbol: &str) -> &str {
    let symbol = symbol.strip_prefix("__pfx_").unwrap_or(symbol);
    let symbol = symbol.split('.').next().unwrap_or(symbol);
    let symbol = symbol.strip_suffix("_noprof").unwrap_or(symbol);
    symbol.trim_start_matches('_')
}

#[cfg(test)]
#[path = "owner_tests.rs"]
mod tests;
