//! Pages that were never freed, in little room: there can be as many runs as pages.

use std::{collections::BTreeMap, mem};

use tracer_ebpf::Slot;

use super::run_length::{Run, RunLengthMap};
use crate::model::Kind;

/// Pages that were never freed, by site, age and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survivors {
    runs: Vec<Run<Kind>>,
    /// What nothing was found of yet.
    lost: LostFrees,
    /// Whether the flags of every page were read.
    are_verified: bool,
}

/// How many frees the kernel kept from the tracer, of which nothing was found yet; none
/// where it does not count them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LostFrees(pub(super) Option<u64>);

impl LostFrees {
    /// Whether they explain that so many blocks look free.
    pub(super) fn explain(&mut self, blocks: u64) -> bool {
        let Some(lost) = self.0 else {
            return true;
        };
        let left = lost.checked_sub(blocks);
        self.0 = left.or(self.0);
        left.is_some()
    }

    /// What raw pages are that can be free if some free was lost.
    pub(super) fn doubted(self, otherwise: Kind) -> Kind {
        match self.0 {
            Some(0) => Kind::Raw,
            _ => otherwise,
        }
    }
}

/// What the pages of a site must be, as long as they are what they were taken as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) kind: Kind,
    /// The order they were taken in.
    pub(super) order: u32,
}

/// Pages of one site that have the same age and are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The epoch in which they were taken.
    pub epoch: u32,
    /// What they are.
    pub kind: Kind,
}

impl Survivors {
    pub(super) fn new(runs: Vec<Run<Kind>>, lost: LostFrees, are_verified: bool) -> Self {
        Self {
            runs: RunLengthMap::from(runs).joined(),
            lost,
            are_verified,
        }
    }

    /// The sites that have any, in ascending order.
    pub fn sites(&self) -> impl Iterator<Item = u32> {
        let same = |a: &Run<_>, b: &Run<_>| site(a) == site(b);
        self.runs.chunk_by(same).map(|runs| site(&runs[0]))
    }

    /// The pages of a site.
    pub fn of(&self, id: u32) -> impl Iterator<Item = (Cell, u64)> {
        let start = self.runs.partition_point(|run| site(run) < id);
        let runs = self.runs[start..]
            .iter()
            .take_while(move |run| site(run) == id);
        runs.map(|run| (cell(run), u64::from(run.pages)))
    }

    /// Takes out the pages of the epochs that are not to be kept, and counts them.
    pub(super) fn drop_epochs(&mut self, keep: impl Fn(u32) -> bool) -> u64 {
        let mut dropped = 0;
        self.runs.retain(|run| {
            let keep = keep(Slot(run.word).epoch());
            dropped += if keep { 0 } else { u64::from(run.pages) };
            keep
        });
        dropped
    }

    /// Looks for pages that are not what their site takes any more: their free was missed,
    /// whoever has them now. As many as lost frees explain are taken out, and counted; more
    /// are uncertain.
    pub(super) fn contradict(&mut self, expected: impl Fn(u32) -> Option<Expected>) -> u64 {
        let contradicted = self.contradicted(expected);
        let are_verified = self.are_verified;
        let is_wrong = |run: &Run<Kind>| {
            let expected = contradicted.get(&site(run))?;
            contradicts(run.what, expected.kind, are_verified).then_some(expected)
        };
        let (mut pages, mut blocks) = (0, 0);
        for (run, expected) in self
            .runs
            .iter()
            .filter_map(|run| Some((run, is_wrong(run)?)))
        {
            pages += u64::from(run.pages);
            blocks += u64::from(run.pages.div_ceil(1 << expected.order));
        }
        if self.lost.explain(blocks) {
            self.runs.retain(|run| is_wrong(run).is_none());
            return pages;
        }
        for run in &mut self.runs {
            if is_wrong(run).is_some() {
                run.what = Kind::Uncertain;
            }
        }
        self.runs = RunLengthMap::from(mem::take(&mut self.runs)).joined();
        0
    }

    /// The sites with such pages, and what they take.
    fn contradicted(&self, expected: impl Fn(u32) -> Option<Expected>) -> BTreeMap<u32, Expected> {
        let same = |a: &Run<_>, b: &Run<_>| site(a) == site(b);
        let can_be_wrong = |runs: &&[Run<Kind>]| {
            let mut runs = runs.iter();
            runs.any(|run| !matches!(run.what, Kind::Slab | Kind::PageTable))
        };
        let sites = self.runs.chunk_by(same).filter(can_be_wrong);
        let sites = sites.map(|runs| site(&runs[0]));
        sites
            .filter_map(|site| Some((site, expected(site)?)))
            .collect()
    }
}

/// Whether a page that is `kind` now cannot be what it was taken as.
fn contradicts(kind: Kind, expected: Kind, is_verified: bool) -> bool {
    kind != expected && (is_verified || kind != Kind::Unverified)
}

impl FromIterator<(u32, Cell, u32)> for Survivors {
    fn from_iter<I: IntoIterator<Item = (u32, Cell, u32)>>(cells: I) -> Self {
        let run = |(site, cell, pages): (u32, Cell, u32)| Run {
            word: Slot::new(site, cell.epoch).0,
            what: cell.kind,
            pages,
        };
        let runs = cells.into_iter().map(run).collect();
        Self::new(runs, LostFrees(Some(0)), true)
    }
}

fn site(run: &Run<Kind>) -> u32 {
    Slot(run.word).site()
}

fn cell(run: &Run<Kind>) -> Cell {
    Cell {
        epoch: Slot(run.word).epoch(),
        kind: run.what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLABS: u32 = 30;
    const PIPES: u32 = 31;

    fn survivors(kinds: &[(u32, Kind, u32)], lost: Option<u64>, verified: bool) -> Survivors {
        let run = |&(site, what, pages)| Run {
            word: Slot::new(site, 0).0,
            what,
            pages,
        };
        let runs = kinds.iter().map(run).collect();
        Survivors::new(runs, LostFrees(lost), verified)
    }

    fn slabs(site: u32) -> Option<Expected> {
        let slab = Expected {
            kind: Kind::Slab,
            order: 1,
        };
        (site == SLABS).then_some(slab)
    }

    fn left(survivors: &Survivors, site: u32) -> Vec<(Kind, u64)> {
        survivors
            .of(site)
            .map(|(cell, pages)| (cell.kind, pages))
            .collect()
    }

    #[test]
    fn what_is_no_slab_any_more_was_freed() {
        let found = [
            (SLABS, Kind::Slab, 8),
            (SLABS, Kind::Raw, 3),
            (SLABS, Kind::Anonymous, 2),
            (PIPES, Kind::Raw, 5),
        ];
        for lost in [Some(3), None] {
            let mut survivors = survivors(&found, lost, true);
            assert_eq!(survivors.contradict(slabs), 5);
            assert_eq!(left(&survivors, SLABS), [(Kind::Slab, 8)]);
            assert_eq!(left(&survivors, PIPES), [(Kind::Raw, 5)]);
        }
    }

    #[test]
    fn what_lost_frees_do_not_explain_is_uncertain() {
        let found = [(SLABS, Kind::Raw, 3), (SLABS, Kind::Anonymous, 2)];
        let mut survivors = survivors(&found, Some(2), true);
        assert_eq!(survivors.contradict(slabs), 0);
        assert_eq!(left(&survivors, SLABS), [(Kind::Uncertain, 5)]);
    }

    #[test]
    fn pages_without_flags_contradict_nothing() {
        let found = [(SLABS, Kind::Unverified, 3)];
        let mut unread = survivors(&found, None, false);
        assert_eq!(unread.contradict(slabs), 0);
        assert_eq!(left(&unread, SLABS), [(Kind::Unverified, 3)]);
        // With its flags read, only the references of the page are not known.
        assert_eq!(survivors(&found, None, true).contradict(slabs), 3);
    }
}
