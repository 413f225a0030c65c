//! Grouping: kernel records with the same stack are one call site.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use tracer_ebpf::SiteId;

use super::{Kind, Survivors, survivors::Cell};
use crate::capture::SiteRecord;

/// What identifies a call site.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stack {
    /// A stack the kernel could unwind: its return addresses, innermost first,
    /// down to the entry of an interrupt if it is one's.
    Known(Vec<u64>),
    /// Pages of allocations that found the site table full.
    SiteTableFull,
    /// Pages of allocations whose stack could not be unwound.
    Lost,
}

/// The pages of one call site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Group {
    /// Pages never freed, by the order of their allocation.
    pub(super) unfreed: BTreeMap<(u32, Cell), u64>,
    /// Pages ever recorded.
    pub(super) allocated_pages: u64,
    /// Process id and name of the task that came here first.
    pub(super) first_seen: Option<(u32, String)>,
    /// Return addresses of whoever an interrupt came on top of, the first time.
    pub(super) interrupted: Vec<u64>,
}

impl Group {
    /// Unfreed pages of each order.
    pub(super) fn pages_by_order(&self) -> BTreeMap<u32, u64> {
        self.pages_by(|order, _| order)
    }

    /// Unfreed pages of each kind.
    pub(super) fn pages_by_kind(&self) -> BTreeMap<Kind, u64> {
        self.pages_by(|_, cell| cell.kind)
    }

    fn pages_by<K: Ord>(&self, key: impl Fn(u32, Cell) -> K) -> BTreeMap<K, u64> {
        let mut sums = BTreeMap::new();
        for (&(order, cell), pages) in &self.unfreed {
            *sums.entry(key(order, cell)).or_insert(0) += pages;
        }
        sums
    }
}

/// The records of all sites: those that have a stack, and those that slots name.
pub fn records(
    survivors: &Survivors,
    ids: impl Iterator<Item = u32>,
    record: impl Fn(u32) -> Result<SiteRecord>,
) -> Result<BTreeMap<u32, SiteRecord>> {
    // Whatever a slot names is in the report, also an id that has no record.
    let ids: BTreeSet<_> = ids.chain(survivors.keys().copied()).collect();
    ids.into_iter().map(|id| Ok((id, record(id)?))).collect()
}

/// Joins the records to one group per stack that has pages left. A site differs
/// from its neighbour in the kernel's table when only order or gfp flags do; to
/// a reader it is the same site. `own` tells how many frames of a stack are its
/// own, and not those of whoever it interrupted.
pub(super) fn group(
    survivors: &Survivors,
    records: BTreeMap<u32, SiteRecord>,
    own: impl Fn(&[u64]) -> usize,
) -> BTreeMap<Stack, Group> {
    let mut groups = BTreeMap::<_, Group>::new();
    for (id, mut record) in records {
        let interrupted = record.frames.split_off(own(&record.frames));
        let (stack, order) = identity(id, &record);
        let group = groups.entry(stack).or_default();
        group.allocated_pages += record.allocated_pages;
        group.first_seen = group.first_seen.take().or(record.first_seen);
        if group.interrupted.is_empty() {
            group.interrupted = interrupted;
        }
        for (&cell, &pages) in survivors.get(&id).into_iter().flatten() {
            *group.unfreed.entry((order, cell)).or_default() += pages;
        }
    }
    groups.retain(|_, group| !group.unfreed.is_empty());
    groups
}

fn identity(id: u32, record: &SiteRecord) -> (Stack, u32) {
    match SiteId::of(id) {
        SiteId::SiteTableFull(order) => (Stack::SiteTableFull, order),
        SiteId::StackLost(order) => (Stack::Lost, order),
        SiteId::Stack(_) if record.frames.is_empty() => (Stack::Lost, record.order),
        SiteId::Stack(_) => (Stack::Known(record.frames.clone()), record.order),
    }
}

#[cfg(test)]
mod tests {
    use tracer_ebpf::{BULK, FIRST_SITE, SITE_TABLE_FULL, STACK_LOST};

    use super::*;

    fn record(id: u32) -> Result<SiteRecord> {
        let frames = if id < FIRST_SITE + 2 {
            vec![1, 2, u64::from(id)]
        } else {
            vec![1, 3]
        };
        let first_seen = Some((id, "task".to_owned()));
        Ok(SiteRecord {
            frames,
            order: id % 2,
            first_seen,
            allocated_pages: 10,
        })
    }

    /// Groups by the first two frames.
    fn grouped(survivors: &Survivors) -> BTreeMap<Stack, Group> {
        let records = records(survivors, FIRST_SITE..FIRST_SITE + 3, record);
        group(survivors, records.expect("they are there"), |_| 2)
    }

    fn cells(cells: &[(u32, u64)]) -> BTreeMap<Cell, u64> {
        let cells = cells.iter().map(|&(epoch, pages)| (cell(epoch), pages));
        cells.collect()
    }

    fn cell(epoch: u32) -> Cell {
        let kind = Kind::Raw;
        Cell { epoch, kind }
    }

    #[test]
    fn orders_of_one_stack_are_one_site() {
        let survivors = BTreeMap::from([
            (FIRST_SITE, cells(&[(0, 5)])),
            (FIRST_SITE + 1, cells(&[(0, 3), (2, 4)])),
        ]);
        let groups = grouped(&survivors);
        let group = &groups[&Stack::Known(vec![1, 2])];
        assert_eq!(groups.len(), 1);
        assert_eq!(group.allocated_pages, 20);
        assert_eq!(group.interrupted, [u64::from(FIRST_SITE)]);
        let (first, second) = (FIRST_SITE % 2, (FIRST_SITE + 1) % 2);
        let expected = [
            ((first, cell(0)), 5),
            ((second, cell(0)), 3),
            ((second, cell(2)), 4),
        ];
        assert_eq!(group.unfreed, expected.into());
        assert_eq!(group.pages_by_order(), [(first, 5), (second, 7)].into());
        assert_eq!(group.pages_by_kind(), [(Kind::Raw, 12)].into());
    }

    #[test]
    fn reserved_ids_keep_their_order() {
        let survivors = BTreeMap::from([
            (SITE_TABLE_FULL + 3, cells(&[(1, 8)])),
            (STACK_LOST, cells(&[(1, 1)])),
            (STACK_LOST + BULK, cells(&[(1, 2)])),
        ]);
        let no_record = |_| Ok(SiteRecord::default());
        let records = records(&survivors, std::iter::empty(), no_record).expect("none fails");
        let groups = group(&survivors, records, <[u64]>::len);
        assert_eq!(
            groups[&Stack::SiteTableFull].unfreed,
            [((3, cell(1)), 8)].into()
        );
        assert_eq!(groups[&Stack::Lost].unfreed, [((0, cell(1)), 3)].into());
    }

    #[test]
    fn a_page_of_an_unknown_id_is_not_dropped() {
        let no_record = |_| Ok(SiteRecord::default());
        let survivors = BTreeMap::from([(FIRST_SITE + 77, cells(&[(0, 2)]))]);
        let records = records(&survivors, std::iter::empty(), no_record).expect("none fails");
        let groups = group(&survivors, records, <[u64]>::len);
        assert_eq!(groups[&Stack::Lost].unfreed, [((0, cell(0)), 2)].into());
    }

    #[test]
    fn a_site_that_freed_everything_is_gone() {
        assert!(grouped(&Survivors::new()).is_empty());
    }
}
