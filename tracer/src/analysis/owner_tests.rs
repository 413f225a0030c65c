use super::*;

fn roles(names: &[&str]) -> Vec<Role> {
    names.iter().map(|name| Role::named(name)).collect()
}

fn owner<'a>(names: &[&'a str]) -> &'a str {
    names[index(&roles(names)).expect("a stack with frames has an owner")]
}

#[test]
fn linux_5_10() {
    assert_eq!(
        owner(&[
            "__alloc_pages_nodemask",
            "alloc_pages_current",
            "__get_free_pages",
            "pgd_alloc"
        ]),
        "pgd_alloc"
    );
}

#[test]
fn linux_6_1() {
    assert_eq!(
        owner(&["__alloc_pages", "__folio_alloc", "pipe_write"]),
        "pipe_write"
    );
}

#[test]
fn linux_6_18() {
    assert_eq!(
        owner(&[
            "__alloc_frozen_pages_noprof",
            "alloc_pages_mpol",
            "alloc_pages_noprof",
            "anon_pipe_write",
        ]),
        "anon_pipe_write"
    );
}

#[test]
fn a_slab_belongs_to_whoever_asked_for_the_object() {
    assert_eq!(
        owner(&[
            "__alloc_frozen_pages_noprof",
            "allocate_slab",
            "___slab_alloc.constprop.0",
            "__kmalloc_node_track_caller_noprof",
            "kmalloc_reserve",
            "__alloc_skb",
            "alloc_skb_with_frags",
            "sock_alloc_send_pskb",
            "unix_dgram_sendmsg",
        ]),
        "unix_dgram_sendmsg"
    );
}

#[test]
fn a_cached_page_belongs_to_the_file_system() {
    assert_eq!(
        owner(&[
            "__alloc_frozen_pages_noprof",
            "folio_alloc_noprof",
            "__filemap_get_folio",
            "__getblk_slow",
            "__ext4_get_inode_loc",
        ]),
        "__ext4_get_inode_loc"
    );
}

#[test]
fn a_page_table_belongs_to_whoever_maps_memory() {
    assert_eq!(
        owner(&[
            "__alloc_frozen_pages_noprof",
            "alloc_pages_noprof",
            "pte_alloc_one",
            "__pte_alloc",
            "do_anonymous_page",
        ]),
        "do_anonymous_page"
    );
}

#[test]
fn a_driver_is_not_taken_for_the_allocator() {
    assert_eq!(
        owner(&["__alloc_pages", "alloc_page_buffers"]),
        "alloc_page_buffers"
    );
    assert_eq!(
        owner(&["__alloc_pages", "skb_page_frag_refill", "receive_mergeable"]),
        "receive_mergeable"
    );
    assert_eq!(
        owner(&["__alloc_pages", "alloc_one_pg_vec_page"]),
        "alloc_one_pg_vec_page"
    );
}

#[test]
fn a_stack_of_allocator_only_has_an_owner() {
    assert_eq!(owner(&["__alloc_pages", "alloc_pages"]), "alloc_pages");
    assert_eq!(index(&[]), None);
}

#[test]
fn the_way_tells_what_flags_do_not() {
    let kind = |names: &[&str]| match way(&roles(names)) {
        Some(Way::Accounted(kind)) => Some(kind),
        _ => None,
    };
    assert_eq!(
        kind(&[
            "alloc_pages_noprof",
            "__vmalloc_node_range_noprof",
            "n_tty_open"
        ]),
        Some(Kind::Vmalloc)
    );
    assert_eq!(
        kind(&[
            "__alloc_pages",
            "___kmalloc_large_node",
            "__kmalloc_noprof",
            "probe"
        ]),
        Some(Kind::Slab)
    );
    assert_eq!(
        kind(&[
            "__alloc_pages",
            "pcpu_populate_chunk",
            "pcpu_alloc_noprof",
            "probe"
        ]),
        Some(Kind::Percpu)
    );
    // The page table of a vmalloc area is not in it.
    assert_eq!(
        kind(&[
            "__alloc_pages",
            "__pte_alloc_kernel",
            "__vmalloc_node_range",
            "probe"
        ]),
        None
    );
    assert_eq!(kind(&["__alloc_pages", "anon_pipe_write"]), None);
}

#[test]
fn the_way_tells_which_flag_there_must_be() {
    let kind = |names: &[&str]| match way(&roles(names)) {
        Some(Way::Flagged(kind)) => Some(kind),
        _ => None,
    };
    assert_eq!(
        kind(&[
            "__alloc_pages_nodemask",
            "allocate_slab",
            "___slab_alloc",
            "kmem_cache_alloc",
            "probe"
        ]),
        Some(Kind::Slab)
    );
    assert_eq!(
        kind(&[
            "__alloc_pages",
            "pte_alloc_one",
            "__pte_alloc",
            "do_anonymous_page"
        ]),
        Some(Kind::PageTable)
    );
    // Not flagged on Linux 5.10: upper levels, and tables of the kernel's own addresses.
    assert_eq!(
        kind(&["__alloc_pages", "__pmd_alloc", "copy_page_range"]),
        None
    );
    assert_eq!(
        kind(&["__alloc_pages", "__pte_alloc_kernel", "vmap_range_noflush"]),
        None
    );
    // The vector of a slab's owners is a large kmalloc, and no slab itself.
    assert_eq!(
        kind(&[
            "__alloc_pages",
            "___kmalloc_large_node",
            "alloc_slab_obj_exts",
            "allocate_slab",
            "probe"
        ]),
        None
    );
    // Page owners are remembered in pages of their own.
    assert_eq!(
        kind(&[
            "__alloc_pages",
            "stack_depot_save",
            "post_alloc_hook",
            "allocate_slab"
        ]),
        None
    );
}

#[test]
fn an_unresolved_caller_is_the_owner() {
    let frames = [
        Frame::named("__alloc_pages"),
        Frame::unnamed(0xffff_ffff_c000_0010),
    ];
    assert_eq!(index(&frames.each_ref().map(Role::of)), Some(1));
}
