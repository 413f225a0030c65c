//! Pages that were never freed, in little room: there can be as many runs as pages.

use tracer_ebpf::Slot;

use super::tally::{Run, Tally};
use crate::model::Kind;

/// Pages that were never freed, by site, age and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survivors(Vec<Run<Kind>>);

/// Pages of one site that have the same age and are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The epoch in which they were taken.
    pub epoch: u32,
    /// What they are.
    pub kind: Kind,
}

impl Survivors {
    pub(super) fn new(runs: Vec<Run<Kind>>) -> Self {
        Self(Tally::from(runs).joined())
    }

    /// The sites that have any, in ascending order.
    pub fn sites(&self) -> impl Iterator<Item = u32> {
        let same = |a: &Run<_>, b: &Run<_>| site(a) == site(b);
        self.0.chunk_by(same).map(|runs| site(&runs[0]))
    }

    /// The pages of a site.
    pub fn of(&self, id: u32) -> impl Iterator<Item = (Cell, u64)> {
        let start = self.0.partition_point(|run| site(run) < id);
        let runs = self.0[start..]
            .iter()
            .take_while(move |run| site(run) == id);
        runs.map(|run| (cell(run), u64::from(run.pages)))
    }

    /// Takes out the pages of the epochs that are not to be kept, and counts them.
    pub(super) fn drop_epochs(&mut self, keep: impl Fn(u32) -> bool) -> u64 {
        let mut dropped = 0;
        self.0.retain(|run| {
            let keep = keep(Slot(run.word).epoch());
            dropped += if keep { 0 } else { u64::from(run.pages) };
            keep
        });
        dropped
    }
}

impl FromIterator<(u32, Cell, u32)> for Survivors {
    fn from_iter<I: IntoIterator<Item = (u32, Cell, u32)>>(cells: I) -> Self {
        let run = |(site, cell, pages): (u32, Cell, u32)| Run {
            word: Slot::new(site, cell.epoch).0,
            what: cell.kind,
            pages,
        };
        Self::new(cells.into_iter().map(run).collect())
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
