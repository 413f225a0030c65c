//! Which of a site's pages a selection asks for.

use std::{collections::BTreeMap, time::Duration};

use super::{
    trend::Kept,
    window::{Epochs, Slices},
};
use crate::model::{Kind, Report, Selection, Site, Totals, Unfreed};

/// Pages that are ranked.
#[derive(Clone, Debug, Default)]
pub(super) struct Pages {
    pub(super) number: u64,
    pub(super) kinds: BTreeMap<Kind, u64>,
    pub(super) orders: BTreeMap<u32, u64>,
    pub(super) slices: Slices,
    pub(super) kept: Kept,
}

/// What is asked of each site.
pub(super) struct Filter<'a> {
    selection: &'a Selection,
    epochs: &'a Epochs<'a>,
    min_age: Duration,
    /// For each frame, whether it is in the module; none if any module will do.
    in_module: Option<Vec<bool>>,
}

impl Pages {
    fn add(&mut self, unfreed: &Unfreed, slices: Slices) {
        let pages = slices.iter().sum::<u64>();
        self.number += pages;
        *self.kinds.entry(unfreed.kind).or_default() += pages;
        *self.orders.entry(unfreed.order).or_default() += pages;
        self.add_slices(slices);
    }

    /// Adds those of another site.
    pub(super) fn append(&mut self, other: &Self) {
        self.number += other.number;
        for (&kind, pages) in &other.kinds {
            *self.kinds.entry(kind).or_default() += pages;
        }
        for (&order, pages) in &other.orders {
            *self.orders.entry(order).or_default() += pages;
        }
        self.add_slices(other.slices);
        self.kept.append(&other.kept);
    }

    fn add_slices(&mut self, slices: Slices) {
        for (slice, pages) in self.slices.iter_mut().zip(slices) {
            *slice += pages;
        }
    }
}

impl<'a> Filter<'a> {
    pub(super) fn new(report: &Report, selection: &'a Selection, epochs: &'a Epochs<'a>) -> Self {
        let is_in = |module: &String| {
            let modules = report.frames.iter().map(|frame| frame.module.as_ref());
            modules.map(|it| it == Some(module)).collect()
        };
        Self {
            selection,
            epochs,
            min_age: selection.min_age(),
            in_module: selection.module.as_ref().map(is_in),
        }
    }

    /// The pages of a site that are ranked; all that are unfreed go into the totals.
    pub(super) fn pages(&self, site: &Site, totals: &mut Totals) -> Pages {
        let in_module = self.has_module(site);
        let mut ranked = Pages::default();
        ranked.kept.count(site);
        for unfreed in &site.unfreed {
            let is_ranked = in_module && self.selection.kinds.contains(&unfreed.kind);
            if is_ranked {
                ranked.kept.add(unfreed, self.epochs);
            }
            let slices = self.slices(unfreed);
            let pages: u64 = slices.iter().sum();
            totals.too_young_pages += unfreed.pages() - pages;
            if pages == 0 {
                continue;
            }
            totals.unfreed_pages += pages;
            *totals.kinds.entry(unfreed.kind).or_default() += pages;
            if is_ranked {
                ranked.add(unfreed, slices);
            }
        }
        ranked
    }

    /// Which pages of a site are ranked, and how many.
    pub(super) fn ranked<'s>(&self, site: &'s Site) -> impl Iterator<Item = (&'s Unfreed, u64)> {
        let in_module = self.has_module(site);
        let unfreed = site.unfreed.iter();
        let asked = unfreed.filter(move |it| in_module && self.selection.kinds.contains(&it.kind));
        let old = asked.map(|it| (it, self.slices(it).iter().sum::<u64>()));
        old.filter(|&(_, pages)| pages > 0)
    }

    /// The ranked pages of a site by the epoch in which they were taken.
    pub(super) fn by_epoch(&self, site: &Site) -> impl Iterator<Item = (u32, u64)> {
        let in_module = self.has_module(site);
        let unfreed = site.unfreed.iter();
        let asked = unfreed.filter(move |it| in_module && self.selection.kinds.contains(&it.kind));
        let taken = asked.flat_map(|it| &it.by_epoch);
        let old = taken.filter(|(epoch, _)| self.epochs.is_old(*epoch, self.min_age));
        old.map(|&(epoch, pages)| (epoch, u64::from(pages)))
    }

    /// Those that are old enough.
    fn slices(&self, unfreed: &Unfreed) -> Slices {
        let mut slices = Slices::default();
        for &(epoch, pages) in &unfreed.by_epoch {
            if self.epochs.is_old(epoch, self.min_age) {
                slices[self.epochs.slice(epoch)] += u64::from(pages);
            }
        }
        slices
    }

    fn has_module(&self, site: &Site) -> bool {
        self.in_module.as_ref().is_none_or(|in_module| {
            let is_in = |&frame: &u32| in_module.get(frame as usize).copied();
            site.stack.iter().filter_map(is_in).any(|it| it)
        })
    }
}
