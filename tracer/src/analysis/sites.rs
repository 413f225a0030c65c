//! Grouping: kernel records with the same stack are one call site.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    num::NonZero,
    ops::Range,
};

use anyhow::Result;
use tracer_ebpf::SiteId;

use super::{Survivors, held};
use crate::model::{HeldPages, Kind, SiteRecord, Task, Unfreed};

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

impl Stack {
    /// Its return addresses; none if they are not known.
    pub(super) fn addresses(&self) -> &[u64] {
        match self {
            Self::Known(addresses) => addresses,
            Self::SiteTableFull | Self::Lost | Self::Mismatched => &[],
        }
    }
}

/// The pages of one call site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Group {
    /// Pages never freed.
    pub(super) pages: Vec<Pages>,
    /// Pages ever recorded.
    pub(super) allocated_pages: u64,
    /// The task that came here first.
    pub(super) first_seen: Option<Task>,
    /// Return addresses of whoever an interrupt came on top of, the first time.
    pub(super) interrupted: Vec<u64>,
    /// Who has the pages now.
    pub(super) held_by: Vec<HeldPages>,
}

/// Pages that are the same, in 16 bytes: there can be as many of these as pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pages {
    /// What they are.
    pub(super) kind: Kind,
    /// The order of their allocation.
    order: u8,
    /// The gfp flags of their allocation; none if they are not known.
    gfp: GfpFlags,
    /// The epoch in which they were taken.
    pub(super) epoch: u32,
    /// How many they are.
    pub(super) number: u32,
}

const _: () = assert!(size_of::<Pages>() == 16);

/// One more than gfp flags, none if they are not known: no allocation has all 32 of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct GfpFlags(Option<NonZero<u32>>);

impl From<Option<u32>> for GfpFlags {
    fn from(gfp: Option<u32>) -> Self {
        Self(gfp.and_then(|gfp| NonZero::new(gfp.wrapping_add(1))))
    }
}

impl From<GfpFlags> for Option<u32> {
    fn from(GfpFlags(gfp): GfpFlags) -> Self {
        gfp.map(|gfp| gfp.get() - 1)
    }
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

/// What identifies a call site: its stack, and who took the pages if takers are told apart.
pub(super) type Key = (Stack, Option<u64>);

/// Joins the records to one group per stack and taker that has pages left. A site differs
/// from its neighbour in the kernel's table when only order or gfp flags do; to
/// a reader it is the same site. `own` tells which frames of a stack are its own, and
/// not the tracer's or those of whoever it interrupted.
pub(super) fn group(
    survivors: &Survivors,
    records: BTreeMap<u32, SiteRecord>,
    own: impl Fn(&[u64]) -> Range<usize>,
) -> BTreeMap<Key, Group> {
    let mut groups = BTreeMap::<_, Group>::new();
    for (id, mut record) in records {
        let own = own(&record.frames);
        let interrupted = record.frames.split_off(own.end);
        record.frames.drain(..own.start);
        let (stack, order) = identity(id, &mut record);
        let group = groups.entry((stack, record.taker)).or_default();
        group.allocated_pages += record.allocated_pages;
        held::add(&mut group.held_by, &record.held_by);
        group.first_seen = group.first_seen.take().or(record.first_seen.map(task));
        if group.interrupted.is_empty() {
            group.interrupted = interrupted;
        }
        group
            .pages
            .extend(survivors.of(id).map(|(cell, number)| Pages {
                kind: cell.kind,
                // An order is at most 10.
                order: u8::try_from(order).unwrap_or(u8::MAX),
                gfp: record.gfp.into(),
                epoch: cell.epoch,
                number,
            }));
    }
    groups.retain(|_, group| !group.pages.is_empty());
    groups
}

/// Pages as a report has them.
pub(super) fn unfreed(mut pages: Vec<Pages>) -> Vec<Unfreed> {
    // Stable, as that is fast where most are in order.
    pages.sort();
    let alike = pages.chunk_by(|a, b| (a.kind, a.order, a.gfp) == (b.kind, b.order, b.gfp));
    let unfreed = alike.map(|pages| Unfreed {
        kind: pages[0].kind,
        order: pages[0].order.into(),
        gfp: pages[0].gfp.into(),
        by_epoch: by_epoch(pages),
    });
    unfreed.collect()
}

/// One pair for an epoch, unless there are more pages than it can count.
fn by_epoch(pages: &[Pages]) -> Vec<(u32, u32)> {
    let mut epochs = Vec::<(u32, u32)>::with_capacity(pages.len());
    for &Pages { epoch, number, .. } in pages {
        match epochs.last_mut() {
            Some((last, sum)) if *last == epoch && sum.checked_add(number).is_some() => {
                *sum += number;
            }
            _ => epochs.push((epoch, number)),
        }
    }
    epochs
}

fn task((pid, name): (u32, String)) -> Task {
    Task { pid, name }
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
            gfp: None,
            first_seen,
            allocated_pages: 10,
            taker: None,
            held_by: vec![],
            is_mismatched: false,
        })
    }

    /// Groups by the first two frames.
    fn grouped(survivors: &Survivors) -> BTreeMap<Key, Group> {
        let records = records(survivors, FIRST_SITE..FIRST_SITE + 3, record);
        let records = records.expect("they are there");
        group(survivors, records, |_| 0..2)
    }

    fn plain(survivors: &Survivors) -> BTreeMap<Key, Group> {
        let no_record = |_| Ok(SiteRecord::default());
        let records = records(survivors, std::iter::empty(), no_record).expect("none fails");
        group(survivors, records, |frames| 0..frames.len())
    }

    /// The order of each kind of pages, and how many were taken in each epoch.
    fn by_order(group: &Group) -> Vec<(u32, Vec<(u32, u32)>)> {
        let unfreed = unfreed(group.pages.clone()).into_iter();
        unfreed.map(|it| (it.order, it.by_epoch)).collect()
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
        let group = &groups[&(Stack::Known(vec![1, 2]), None)];
        assert_eq!(groups.len(), 1);
        assert_eq!(group.allocated_pages, 20);
        assert_eq!(group.interrupted, [u64::from(FIRST_SITE)]);
        let (first, second) = (FIRST_SITE % 2, (FIRST_SITE + 1) % 2);
        let mut expected = [(first, vec![(0, 5)]), (second, vec![(1, 3), (2, 4)])];
        expected.sort();
        assert_eq!(by_order(group), expected);
    }

    #[test]
    fn takers_of_one_stack_are_sites_of_their_own() {
        let survivors = raw(&[
            (FIRST_SITE, 0, 5),
            (FIRST_SITE + 1, 1, 3),
            (FIRST_SITE + 2, 1, 2),
        ]);
        let record = |id| {
            let taker = Some(if id == FIRST_SITE + 1 { 4712 } else { 4711 });
            Ok(SiteRecord {
                frames: vec![1, 2],
                taker,
                ..SiteRecord::default()
            })
        };
        let records = records(&survivors, std::iter::empty(), record).expect("they are there");
        let groups = group(&survivors, records, |_| 0..2);
        let of = |taker| by_order(&groups[&(Stack::Known(vec![1, 2]), Some(taker))]);
        assert_eq!(of(4711), [(0, vec![(0, 5), (1, 2)])]);
        assert_eq!(of(4712), [(0, vec![(1, 3)])]);
        assert_eq!(groups.len(), 2);
    }

    #[test]
    fn what_the_tracer_adds_to_stacks_makes_no_difference() {
        let survivors = raw(&[(FIRST_SITE, 0, 5), (FIRST_SITE + 1, 0, 3)]);
        let record = |id| {
            let frames = vec![u64::from(id), 7, 8, 9];
            Ok(SiteRecord {
                frames,
                ..SiteRecord::default()
            })
        };
        let records = records(&survivors, std::iter::empty(), record).expect("they are there");
        let groups = group(&survivors, records, |_| 1..3);
        assert_eq!(groups.len(), 1);
        assert_eq!(
            by_order(&groups[&(Stack::Known(vec![7, 8]), None)]),
            [(0, vec![(0, 8)])]
        );
    }

    #[test]
    fn reserved_ids_keep_their_order() {
        let groups = plain(&raw(&[
            (SITE_TABLE_FULL + 3, 1, 8),
            (STACK_LOST, 1, 1),
            (STACK_LOST + BULK, 1, 2),
        ]));
        assert_eq!(
            by_order(&groups[&(Stack::SiteTableFull, None)]),
            [(3, vec![(1, 8)])]
        );
        assert_eq!(by_order(&groups[&(Stack::Lost, None)]), [(0, vec![(1, 3)])]);
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
        let groups = group(&survivors, records, |frames| 0..frames.len().min(2));
        assert_eq!(
            by_order(&groups[&(Stack::Mismatched, None)]),
            [(3, vec![(0, 5)])]
        );
        let other = by_order(&groups[&(Stack::Known(vec![1, 2]), None)]);
        assert_eq!(other, [((FIRST_SITE + 1) % 2, vec![(0, 3)])]);
    }

    #[test]
    fn a_page_of_an_unknown_id_is_not_dropped() {
        let groups = plain(&raw(&[(FIRST_SITE + 77, 0, 2)]));
        assert_eq!(by_order(&groups[&(Stack::Lost, None)]), [(0, vec![(0, 2)])]);
    }

    #[test]
    fn no_count_wraps() {
        let pages = |number| Pages {
            kind: Kind::Raw,
            order: 0,
            gfp: None.into(),
            epoch: 1,
            number,
        };
        let unfreed = unfreed(vec![pages(u32::MAX), pages(2)]);
        assert_eq!(unfreed[0].pages(), u64::from(u32::MAX) + 2);
    }

    #[test]
    fn a_site_that_freed_everything_is_gone() {
        assert!(grouped(&Survivors::default()).is_empty());
    }
}
