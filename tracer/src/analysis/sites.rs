//! Grouping: kernel records with the same stack are one call site.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use anyhow::Result;
use tracer_ebpf::SiteId;

use super::{Survivors, window::Slices};
use crate::model::{Kind, SiteRecord};

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
    /// Pages of sites whose record does not match their key.
    Mismatched,
}

/// The pages of one call site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Group {
    /// Pages never freed, by the order of their allocation.
    pub(super) orders: BTreeMap<u32, u64>,
    /// Pages never freed, by kind.
    pub(super) kinds: BTreeMap<Kind, u64>,
    /// Pages never freed, by slice of the recording.
    pub(super) slices: Slices,
    /// Pages ever recorded.
    pub(super) allocated_pages: u64,
    /// Process id and name of the task that came here first.
    pub(super) first_seen: Option<(u32, String)>,
    /// Return addresses of whoever an interrupt came on top of, the first time.
    pub(super) interrupted: Vec<u64>,
}

/// The records of all sites: those that have a stack, and those that slots name.
pub fn records(
    survivors: &Survivors,
    ids: impl Iterator<Item = u32>,
    record: impl Fn(u32) -> Result<SiteRecord>,
) -> Result<BTreeMap<u32, SiteRecord>> {
    // Whatever a slot names is in the report, also an id that has no record.
    let ids: BTreeSet<_> = ids.chain(survivors.sites()).collect();
    ids.into_iter().map(|id| Ok((id, record(id)?))).collect()
}

/// Joins the records to one group per stack that has pages left. A site differs
/// from its neighbour in the kernel's table when only order or gfp flags do; to
/// a reader it is the same site. `own` tells how many frames of a stack are its
/// own, and not those of whoever it interrupted; `slices` that of each epoch.
pub(super) fn group(
    survivors: &Survivors,
    records: BTreeMap<u32, SiteRecord>,
    own: impl Fn(&[u64]) -> usize,
    slices: &[usize],
) -> BTreeMap<Stack, Group> {
    let mut groups = BTreeMap::<_, Group>::new();
    for (id, mut record) in records {
        let interrupted = record.frames.split_off(own(&record.frames));
        let (stack, order) = identity(id, &mut record);
        let group = groups.entry(stack).or_default();
        group.allocated_pages += record.allocated_pages;
        group.first_seen = group.first_seen.take().or(record.first_seen);
        if group.interrupted.is_empty() {
            group.interrupted = interrupted;
        }
        group.count(survivors, id, order, slices);
    }
    groups.retain(|_, group| !group.orders.is_empty());
    groups
}

impl Group {
    /// Pages never freed.
    pub(super) fn unfreed_pages(&self) -> u64 {
        self.orders.values().sum()
    }

    fn count(&mut self, survivors: &Survivors, id: u32, order: u32, slices: &[usize]) {
        let mut unfreed = 0;
        for (cell, pages) in survivors.of(id) {
            unfreed += pages;
            *self.kinds.entry(cell.kind).or_insert(0) += pages;
            self.slices[slices[cell.epoch as usize]] += pages;
        }
        if unfreed > 0 {
            *self.orders.entry(order).or_insert(0) += unfreed;
        }
    }
}

fn identity(id: u32, record: &mut SiteRecord) -> (Stack, u32) {
    match SiteId::of(id) {
        SiteId::SiteTableFull(order) => (Stack::SiteTableFull, order),
        SiteId::StackLost(order) => (Stack::Lost, order),
        SiteId::Stack(_) if record.is_mismatched => (Stack::Mismatched, record.order),
        SiteId::Stack(_) if record.frames.is_empty() => (Stack::Lost, record.order),
        SiteId::Stack(_) => (Stack::Known(mem::take(&mut record.frames)), record.order),
    }
}

#[cfg(test)]
mod tests {
    use tracer_ebpf::{BULK, FIRST_SITE, SITE_TABLE_FULL, STACK_LOST};

    use super::*;
    use crate::analysis::Cell;

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
            is_mismatched: false,
        })
    }

    /// Groups by the first two frames; odd epochs are the second slice.
    fn grouped(survivors: &Survivors) -> BTreeMap<Stack, Group> {
        let records = records(survivors, FIRST_SITE..FIRST_SITE + 3, record);
        let records = records.expect("they are there");
        group(survivors, records, |_| 2, &[0, 1, 0])
    }

    fn plain(survivors: &Survivors) -> BTreeMap<Stack, Group> {
        let no_record = |_| Ok(SiteRecord::default());
        let records = records(survivors, std::iter::empty(), no_record).expect("none fails");
        group(survivors, records, <[u64]>::len, &[0; 2])
    }

    /// Raw pages, each with its site and epoch.
    fn raw(pages: &[(u32, u32, u32)]) -> Survivors {
        let kind = Kind::Raw;
        let cells = pages.iter().copied();
        cells
            .map(|(site, epoch, pages)| (site, Cell { epoch, kind }, pages))
            .collect()
    }

    #[test]
    fn orders_of_one_stack_are_one_site() {
        let survivors = raw(&[
            (FIRST_SITE, 0, 5),
            (FIRST_SITE + 1, 1, 3),
            (FIRST_SITE + 1, 2, 4),
        ]);
        let groups = grouped(&survivors);
        let group = &groups[&Stack::Known(vec![1, 2])];
        assert_eq!(groups.len(), 1);
        assert_eq!(group.allocated_pages, 20);
        assert_eq!(group.interrupted, [u64::from(FIRST_SITE)]);
        let (first, second) = (FIRST_SITE % 2, (FIRST_SITE + 1) % 2);
        assert_eq!(group.orders, [(first, 5), (second, 7)].into());
        assert_eq!(group.kinds, [(Kind::Raw, 12)].into());
        assert_eq!(group.slices, [9, 3, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn reserved_ids_keep_their_order() {
        let groups = plain(&raw(&[
            (SITE_TABLE_FULL + 3, 1, 8),
            (STACK_LOST, 1, 1),
            (STACK_LOST + BULK, 1, 2),
        ]));
        assert_eq!(groups[&Stack::SiteTableFull].orders, [(3, 8)].into());
        assert_eq!(groups[&Stack::Lost].orders, [(0, 3)].into());
    }

    #[test]
    fn a_record_that_does_not_match_its_key_names_nobody() {
        let survivors = raw(&[(FIRST_SITE, 0, 5), (FIRST_SITE + 1, 0, 3)]);
        let wrong = || SiteRecord {
            order: 3,
            is_mismatched: true,
            ..SiteRecord::default()
        };
        let record = |id| match id {
            FIRST_SITE => Ok(wrong()),
            _ => record(id),
        };
        let records = records(&survivors, std::iter::empty(), record).expect("they are there");
        let groups = group(&survivors, records, |frames| frames.len().min(2), &[0]);
        let wrong = &groups[&Stack::Mismatched];
        assert_eq!(wrong.orders, [(3, 5)].into());
        assert_eq!(groups[&Stack::Known(vec![1, 2])].unfreed_pages(), 3);
    }

    #[test]
    fn a_page_of_an_unknown_id_is_not_dropped() {
        let groups = plain(&raw(&[(FIRST_SITE + 77, 0, 2)]));
        assert_eq!(groups[&Stack::Lost].orders, [(0, 2)].into());
    }

    #[test]
    fn a_site_that_freed_everything_is_gone() {
        assert!(grouped(&Survivors::default()).is_empty());
    }
}
