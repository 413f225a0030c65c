//! What every page frame is, beside the kernel's counters.

use std::{cmp::Reverse, collections::HashMap};

use super::balance::{Fields, signed};
use crate::model::{Line, MemoryCounters, PageGroup, PageKey, PageUse, PageUseRow};

/// Page frames that are counted together, most first: those of owners with one name are one group.
pub fn page_groups<'a>(
    pages: impl IntoIterator<Item = (&'a PageKey, &'a u64)>,
    names: &HashMap<u64, Option<String>>,
) -> Vec<PageGroup> {
    let mut groups = HashMap::<_, u64>::new();
    for (key, count) in pages {
        let owner = names.get(&key.owner).cloned().flatten();
        let group = (key.page_use, owner, key.order, key.node);
        *groups.entry(group).or_default() += count;
    }
    let group = |((page_use, owner, order, node), pages)| PageGroup {
        page_use,
        owner,
        order,
        node,
        pages,
    };
    let mut groups: Vec<_> = groups.into_iter().map(group).collect();
    groups.sort_by(|a, b| {
        (Reverse(a.pages), a.page_use, &a.owner).cmp(&(Reverse(b.pages), b.page_use, &b.owner))
    });
    groups
}

/// What page frames are used for, most first, beside the counters of the same; `tree` is the balance
/// of these counters.
pub fn page_uses(groups: &[PageGroup], counters: &MemoryCounters, tree: &Line) -> Vec<PageUseRow> {
    let mut pages = HashMap::<_, u64>::new();
    for group in groups {
        *pages.entry(group.page_use).or_default() += group.pages;
    }
    let row = |(page_use, pages): (PageUse, u64)| {
        let (counted, names) = counter(page_use, counters, tree);
        PageUseRow {
            page_use,
            pages,
            bytes: pages.saturating_mul(counters.page_size),
            counters_bytes: counted,
            counters: names.to_owned(),
        }
    };
    let mut rows: Vec<_> = pages.into_iter().map(row).collect();
    rows.sort_by_key(|row| (Reverse(row.pages), row.page_use));
    rows
}

/// What the kernel counts of pages of this use, and by which names.
fn counter(
    page_use: PageUse,
    counters: &MemoryCounters,
    tree: &Line,
) -> (Option<i64>, &'static str) {
    const UNMAPPED: &str = "Active + Inactive + Unevictable - AnonPages - Cached - Buffers";
    let lines = |fields: &[&str]| {
        let lines = tree
            .lines()
            .filter(|line| fields.contains(&line.field.as_str()));
        let bytes: Vec<_> = lines.map(|line| line.bytes).collect();
        (!bytes.is_empty()).then(|| bytes.iter().sum::<i64>())
    };
    let slabs = || {
        let caches = counters.slabs.as_ref()?.iter().map(|cache| cache.bytes);
        Some(signed(caches.fold(0, u64::saturating_add)))
    };
    match page_use {
        PageUse::Free => (lines(&["MemFree"]), "MemFree"),
        PageUse::FreeOnCpu => (lines(&["zoneinfo: count"]), "zoneinfo: count"),
        PageUse::Anonymous => (lines(&["AnonPages"]), "AnonPages"),
        PageUse::AnonymousUnmapped => (lines(&[UNMAPPED]), "Active + Inactive - AnonPages …"),
        PageUse::File => (
            lines(&["Cached - Shmem", "Buffers"]),
            "Cached - Shmem + Buffers",
        ),
        PageUse::Shmem => (lines(&["Shmem"]), "Shmem"),
        PageUse::Hugetlb => (lines(&["nr - free + resv", "free - resv"]), "nr_hugepages"),
        PageUse::Slab => (slabs(), "slabinfo"),
        PageUse::LargeKmalloc => {
            let slab = Fields::of(counters);
            let slab = slab.bytes("SReclaimable") + slab.bytes("SUnreclaim");
            (slabs().map(|caches| slab - caches), "Slab - slabinfo")
        }
        PageUse::PageTable => (lines(&["PageTables", "SecPageTables"]), "PageTables"),
        PageUse::Vmalloc => {
            let vmalloc = Fields::of(counters).optional("VmallocUsed");
            (vmalloc, "VmallocUsed")
        }
        PageUse::Zsmalloc => (lines(&["nr_zspages"]), "nr_zspages"),
        PageUse::Offline => (lines(&["Balloon"]), "Balloon"),
        PageUse::Pinned
        | PageUse::PagePool
        | PageUse::Charged
        | PageUse::Plain
        | PageUse::Unreferenced
        | PageUse::Reserved
        | PageUse::Absent => (None, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analysis::balance, model::Threshold};

    const CACHE: u64 = 0xffff_8880_0000_1000;

    fn key(page_use: PageUse, owner: u64) -> PageKey {
        PageKey {
            page_use,
            owner,
            order: 0,
            node: 0,
        }
    }

    #[test]
    fn owners_of_one_name_are_one_group() {
        let charged = |owner| key(PageUse::Charged, owner);
        let pages = HashMap::from([(charged(8), 3), (charged(16), 4), (charged(24), 9)]);
        let named = |name: &str| Some(name.to_owned());
        let names = HashMap::from([(8, named("/a")), (16, named("/a")), (24, None)]);
        let groups = page_groups(&pages, &names);
        let groups: Vec<_> = groups
            .iter()
            .map(|it| (it.owner.as_deref(), it.pages))
            .collect();
        assert_eq!(groups, [(None, 9), (Some("/a"), 7)]);
    }

    #[test]
    fn a_use_without_a_counter_has_none_and_no_zero() {
        let meminfo = [("MemTotal", 1 << 20), ("MemFree", 40_960), ("AnonPages", 0)];
        let counters = MemoryCounters {
            page_size: 4096,
            meminfo: meminfo.map(|(name, bytes)| (name.to_owned(), bytes)).into(),
            ..MemoryCounters::default()
        };
        let tree = balance(&counters, Threshold::Usual)
            .expect("a balance")
            .tree;
        let pages = [
            (PageUse::Free, 0),
            (PageUse::Slab, CACHE),
            (PageUse::Plain, 0),
        ];
        let pages = pages.map(|(page_use, owner)| (key(page_use, owner), 10));
        let groups = page_groups(&HashMap::from(pages), &HashMap::new());
        let uses = page_uses(&groups, &counters, &tree);
        let uses: Vec<_> = uses
            .iter()
            .map(|it| (it.page_use, it.bytes, it.counters_bytes))
            .collect();
        let expected = [
            (PageUse::Free, 40_960, Some(40_960)),
            (PageUse::Slab, 40_960, None),
            (PageUse::Plain, 40_960, None),
        ];
        assert_eq!(uses, expected);
    }
}
