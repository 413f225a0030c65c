//! Where memory went, as a tree that adds up.

use serde::{Deserialize, Serialize};

use super::Limitation;

/// All of the machine's memory: what it is used for, and what no counter tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Balance {
    /// `MemTotal`.
    pub total_bytes: u64,
    /// What no counter accounts for. Below zero, counters overlap or moved while they were read.
    pub unaccounted_bytes: i64,
    /// What is left of it when the known holders are taken off.
    pub unexplained_bytes: i64,
    /// The tree: its first line is `MemTotal`, and the parts of each line add up to it.
    pub tree: Line,
    /// What stands beside the tree: parts of its lines that overlap with others.
    pub within: Vec<Line>,
    /// What to think of it.
    pub verdict: Verdict,
    /// What could not be read, or means something else on this kernel.
    pub limitations: Vec<Limitation>,
}

/// One line of the tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What it is, in plain words.
    pub name: String,
    /// The kernel's own name: of a field, or how it follows from fields.
    pub field: String,
    /// Its bytes. Only what is unaccounted can be below zero.
    pub bytes: i64,
    /// What it consists of; empty if that is all that is known.
    pub parts: Vec<Line>,
}

/// What to think of a balance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The kind of memory that is too large; none if none is.
    pub culprit: Option<Culprit>,
    /// From how many bytes on unaccounted memory is too much.
    pub threshold_bytes: u64,
}

/// From how much on a kind of memory is too large.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Threshold {
    /// 6 GiB, or a tenth of memory and 1.5 GiB, whichever is less.
    #[default]
    Usual,
    /// So many bytes.
    Bytes(u64),
    /// So much of the machine's memory, in percent.
    Percent(f64),
}

/// A kind of memory that is too large.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Culprit {
    /// What it is, as it follows a number: `of unreclaimable slab`.
    pub name: String,
    /// The kernel's name of its line.
    pub field: String,
    /// Its bytes.
    pub bytes: u64,
    /// What to look at next: a command or a place.
    pub next: String,
}

impl Line {
    /// The line and all below it, each before its parts.
    pub fn lines(&self) -> Box<dyn Iterator<Item = &Self> + '_> {
        let below = self.parts.iter().flat_map(|part| part.lines());
        Box::new(std::iter::once(self).chain(below))
    }
}

impl Threshold {
    /// The same in bytes, for a machine with `total` bytes.
    pub fn bytes(self, total: u64) -> u64 {
        const GIB: u64 = 1 << 30;
        match self {
            Self::Usual => (total / 10).clamp(GIB * 3 / 2, 6 * GIB),
            Self::Bytes(bytes) => bytes,
            Self::Percent(percent) => (total as f64 * percent / 100.0) as u64,
        }
    }
}
