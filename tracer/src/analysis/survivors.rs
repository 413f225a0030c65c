//! Pages that were never freed, in little room: there can be as many runs as pages.

use tracer_ebpf::Slot;

use super::run_length::{Run, RunLengthMap};
use crate::model::Kind;

/// Pages that were never freed, by site, age and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survivors {
    pub(super) runs: Vec<Run<Kind>>,
    /// What nothing was found of yet.
    pub(super) lost: LostFrees,
    /// Whether the flags of every page were read.
    pub(super) are_verified: bool,
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

    /// Those of the epochs that `renamed` has a number for, which they get; the others are left out.
    pub fn of_epochs(self, renamed: impl Fn(u32) -> Option<u32>) -> Self {
        let Self {
            runs,
            lost,
            are_verified,
        } = self;
        let runs = runs.into_iter().filter_map(|run| {
            let epoch = renamed(Slot(run.word).epoch())?;
            let word = Slot::new(site(&run), epoch).0;
            Some(Run { word, ..run })
        });
        Self::new(runs.collect(), lost, are_verified)
    }

    /// The sites that have any, in ascending order.
    pub fn sites(&self) -> impl Iterator<Item = u32> {
        let same = |a: &Run<_>, b: &Run<_>| site(a) == site(b);
        self.runs.chunk_by(same).map(|runs| site(&runs[0]))
    }

    /// The pages of a site.
    pub fn of(&self, id: u32) -> impl Iterator<Item = (Cell, u32)> {
        let start = self.runs.partition_point(|run| site(run) < id);
        let runs = self.runs[start..]
            .iter()
            .take_while(move |run| site(run) == id);
        runs.map(|run| (cell(run), run.pages))
    }
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

pub(super) fn site(run: &Run<Kind>) -> u32 {
    Slot(run.word).site()
}

fn cell(run: &Run<Kind>) -> Cell {
    Cell {
        epoch: Slot(run.word).epoch(),
        kind: run.what,
    }
}
