//! Grouping: kernel records with the same stack are one call site.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use tracer_ebpf::{FIRST_SITE, SITE_TABLE_FULL, STACK_LOST};

use super::Survivors;
use crate::capture::SiteRecord;

/// What identifies a call site.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stack {
    /// A stack the kernel could unwind: its return addresses, innermost first.
    Known(Vec<u64>),
    /// Pages of allocations that found the site table full.
    SiteTableFull,
    /// Pages of allocations whose stack could not be unwound.
    Lost,
}

/// The pages of one call site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Pages never freed: order → epoch → pages.
    pub unfreed: BTreeMap<u32, BTreeMap<u32, u64>>,
    /// Pages ever recorded.
    pub allocated_pages: u64,
    /// Process id and name of the task that came here first.
    pub first_seen: Option<(u32, String)>,
}

impl Group {
    /// Unfreed pages of each order.
    pub(super) fn pages_by_order(&self) -> BTreeMap<u32, u64> {
        let sum = |epochs: &BTreeMap<u32, u64>| epochs.values().sum();
        self.unfreed
            .iter()
            .map(|(&order, epochs)| (order, sum(epochs)))
            .collect()
    }
}

/// Joins the records of all sites, `record` giving each, to one group per stack
/// that has pages left. A site differs from its neighbour in the kernel's table
/// when only order or gfp flags do; to a reader it is the same site.
pub fn group(
    survivors: &Survivors,
    ids: impl Iterator<Item = u32>,
    record: impl Fn(u32) -> Result<SiteRecord>,
) -> Result<BTreeMap<Stack, Group>> {
    let mut groups = BTreeMap::<_, Group>::new();
    // Whatever a slot names is in the report, also an id that has no record.
    let ids: BTreeSet<_> = ids.chain(survivors.keys().copied()).collect();
    for id in ids {
        let record = record(id)?;
        let unfreed = survivors.get(&id);
        let (stack, order) = identity(id, &record);
        let group = groups.entry(stack).or_default();
        group.allocated_pages += record.allocated_pages;
        group.first_seen = group.first_seen.take().or(record.first_seen);
        for (&epoch, &pages) in unfreed.into_iter().flatten() {
            *group
                .unfreed
                .entry(order)
                .or_default()
                .entry(epoch)
                .or_default() += pages;
        }
    }
    groups.retain(|_, group| !group.unfreed.is_empty());
    Ok(groups)
}

fn identity(id: u32, record: &SiteRecord) -> (Stack, u32) {
    match id {
        FIRST_SITE.. if record.frames.is_empty() => (Stack::Lost, record.order),
        FIRST_SITE.. => (Stack::Known(record.frames.clone()), record.order),
        STACK_LOST.. => (Stack::Lost, id - STACK_LOST),
        _ => (Stack::SiteTableFull, id.saturating_sub(SITE_TABLE_FULL)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: u32) -> Result<SiteRecord> {
        let frames = if id < FIRST_SITE + 2 {
            vec![1, 2]
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

    fn grouped(survivors: &Survivors) -> BTreeMap<Stack, Group> {
        group(survivors, FIRST_SITE..FIRST_SITE + 3, record).expect("the records are there")
    }

    #[test]
    fn orders_of_one_stack_are_one_site() {
        let survivors = BTreeMap::from([
            (FIRST_SITE, BTreeMap::from([(0, 5)])),
            (FIRST_SITE + 1, BTreeMap::from([(0, 3), (2, 4)])),
        ]);
        let groups = grouped(&survivors);
        let group = &groups[&Stack::Known(vec![1, 2])];
        assert_eq!(groups.len(), 1);
        assert_eq!(group.allocated_pages, 20);
        assert_eq!(group.unfreed[&(FIRST_SITE % 2)], BTreeMap::from([(0, 5)]));
        assert_eq!(
            group.unfreed[&((FIRST_SITE + 1) % 2)],
            BTreeMap::from([(0, 3), (2, 4)])
        );
    }

    #[test]
    fn reserved_ids_keep_their_order() {
        let survivors = BTreeMap::from([
            (SITE_TABLE_FULL + 3, BTreeMap::from([(1, 8)])),
            (STACK_LOST, BTreeMap::from([(1, 1)])),
        ]);
        let groups = grouped(&survivors);
        assert_eq!(
            groups[&Stack::SiteTableFull].unfreed[&3],
            BTreeMap::from([(1, 8)])
        );
        assert_eq!(groups[&Stack::Lost].unfreed[&0], BTreeMap::from([(1, 1)]));
    }

    #[test]
    fn a_page_of_an_unknown_id_is_not_dropped() {
        let no_record = |_| Ok(SiteRecord::default());
        let survivors = BTreeMap::from([(FIRST_SITE + 77, BTreeMap::from([(0, 2)]))]);
        let groups = group(&survivors, std::iter::empty(), no_record).expect("no record fails");
        assert_eq!(groups[&Stack::Lost].unfreed[&0], BTreeMap::from([(0, 2)]));
    }

    #[test]
    fn a_site_that_freed_everything_is_gone() {
        assert!(grouped(&Survivors::new()).is_empty());
    }
}
