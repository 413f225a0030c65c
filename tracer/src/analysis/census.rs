//! The kernel's counters beside its pages: where they differ, and why.

use super::balance::{Fields, signed};
use crate::model::{Census, CensusRow, Line, MemoryCounters, PageClass};

/// A kind of memory: its name, the classes of its pages, the fields that count it, and why they
/// can differ.
struct Rule {
    name: &'static str,
    classes: &'static [PageClass],
    fields: &'static [&'static str],
    explanation: &'static str,
}

const RULES: [Rule; 4] = [
    Rule {
        name: "anonymous",
        classes: &[PageClass::Anonymous],
        fields: &[
            "AnonPages",
            "Active + Inactive + Unevictable - AnonPages - Cached - Buffers",
        ],
        explanation: "pages come and go while they are counted",
    },
    Rule {
        name: "page cache and shmem",
        classes: &[PageClass::File],
        fields: &["Cached - Shmem", "Shmem", "Buffers"],
        explanation: "pages come and go while they are counted",
    },
    Rule {
        name: "huge pages (hugetlb)",
        classes: &[PageClass::Hugetlb],
        fields: &["nr - free + resv", "free - resv"],
        explanation: "the pool changed while it was counted",
    },
    Rule {
        name: "page tables",
        classes: &[PageClass::PageTable],
        fields: &["PageTables"],
        explanation: "upper levels have no flag on some kernels",
    },
];

/// The rows of the comparison. All that has no flag is one row: which of it is free, flags do
/// not tell.
pub fn compare(census: &Census, counters: &MemoryCounters, tree: &Line) -> Vec<CensusRow> {
    let fields = Fields::of(counters);
    let mut rows: Vec<_> = RULES
        .iter()
        .map(|rule| row(rule, census, fields, tree))
        .collect();
    rows.push(CensusRow {
        name: "slab".to_owned(),
        counters_bytes: slab(counters, fields),
        census_bytes: fields.pages(census.of(&[PageClass::Slab])),
        explanation: "without slabinfo, large kmallocs are counted and have no flag".to_owned(),
    });
    let counted: i64 = rows.iter().map(|row| row.counters_bytes).sum();
    let rest = [PageClass::Free, PageClass::Unmarked, PageClass::Offline];
    let pages = census
        .of(&rest)
        .saturating_sub(unmarked_holes(census, counters, fields));
    rows.push(CensusRow {
        name: "free, and without a flag".to_owned(),
        counters_bytes: tree.bytes - counted,
        census_bytes: fields.pages(pages),
        explanation: "memory that the allocator was not given yet has no flag either".to_owned(),
    });
    rows
}

fn row(rule: &Rule, census: &Census, fields: Fields<'_>, tree: &Line) -> CensusRow {
    let lines = tree
        .lines()
        .filter(|line| rule.fields.contains(&line.field.as_str()));
    CensusRow {
        name: rule.name.to_owned(),
        counters_bytes: lines.map(|line| line.bytes).sum(),
        census_bytes: fields.pages(census.of(rule.classes)),
        explanation: rule.explanation.to_owned(),
    }
}

/// Page frames that the allocator does not have and that look like pages without a flag: in holes of
/// zones and reserved at boot, but neither absent nor marked as reserved.
fn unmarked_holes(census: &Census, counters: &MemoryCounters, fields: Fields<'_>) -> u64 {
    let Some(zones) = counters.zones else {
        return 0;
    };
    // Memory that the allocator was not given yet is in the total, and not managed by a zone.
    let total = fields.bytes("MemTotal").max(0).cast_unsigned() / counters.page_size.max(1);
    let managed = zones.managed_pages.max(total);
    let others = zones.spanned_pages.saturating_sub(managed);
    others.saturating_sub(census.of(&[PageClass::Absent, PageClass::Reserved]))
}

/// What the caches have. `Slab` has large kmallocs as well, whose pages have no flag.
fn slab(counters: &MemoryCounters, fields: Fields<'_>) -> i64 {
    match &counters.slabs {
        Some(caches) => {
            let bytes = caches.iter().map(|cache| cache.bytes);
            signed(bytes.fold(0, u64::saturating_add))
        }
        None => fields.bytes("SReclaimable") + fields.bytes("SUnreclaim"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        analysis::balance,
        model::{SlabCache, Threshold, ZoneTotals},
    };

    #[test]
    fn what_was_reserved_at_boot_need_not_be_marked() {
        let counters = MemoryCounters {
            page_size: 1,
            meminfo: [("MemTotal".to_owned(), 100), ("MemFree".to_owned(), 100)].into(),
            // Sixty pages wait to be given to the allocator.
            zones: Some(ZoneTotals {
                spanned_pages: 130,
                present_pages: 120,
                managed_pages: 40,
                ..ZoneTotals::default()
            }),
            ..MemoryCounters::default()
        };
        let pages = [
            (PageClass::Free, 40),
            (PageClass::Unmarked, 60 + 10 + 17),
            (PageClass::Reserved, 3),
        ];
        let census = Census {
            pages: BTreeMap::from(pages),
        };
        let balance = balance(&counters, Threshold::Usual).expect("all lines are there");
        let rows = compare(&census, &counters, &balance.tree);
        let rest = rows.last().expect("a row");
        assert_eq!(rest.counters_bytes, rest.census_bytes);
    }

    #[test]
    fn a_large_kmalloc_is_no_difference() {
        let meminfo = [
            ("MemTotal", 100),
            ("MemFree", 50),
            ("SUnreclaim", 30),
            ("AnonPages", 20),
        ];
        let counters = MemoryCounters {
            page_size: 1,
            meminfo: meminfo.map(|(name, bytes)| (name.to_owned(), bytes)).into(),
            slabs: Some(vec![SlabCache {
                bytes: 10,
                ..SlabCache::default()
            }]),
            zones: Some(ZoneTotals {
                spanned_pages: 115,
                present_pages: 106,
                managed_pages: 100,
                ..ZoneTotals::default()
            }),
            ..MemoryCounters::default()
        };
        // A hole of nine: two are absent, one is reserved, six look like pages without a flag.
        let pages = [
            (PageClass::Free, 45),
            (PageClass::Slab, 10),
            (PageClass::Anonymous, 20),
            (PageClass::Unmarked, 25 + 6),
            (PageClass::Reserved, 6 + 1),
            (PageClass::Absent, 2),
        ];
        let census = Census {
            pages: BTreeMap::from(pages),
        };
        let balance = balance(&counters, Threshold::Usual).expect("all lines are there");
        let rows = compare(&census, &counters, &balance.tree);
        assert_eq!(rows.len(), RULES.len() + 2);
        for row in rows {
            assert_eq!(row.counters_bytes, row.census_bytes, "{}", row.name);
        }
    }
}
