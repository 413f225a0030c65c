//! What differs between two snapshots or two traces.

mod snapshots;
mod traces;

use std::{cmp::Reverse, collections::BTreeMap};

pub use self::{snapshots::snapshots, traces::traces};
use crate::model::Growth;

/// Amounts under one name each, then and now.
#[derive(Default)]
struct Amounts {
    of: BTreeMap<String, [Option<i64>; 2]>,
}

impl Amounts {
    /// Adds bytes to those of a name: before (0) or after (1).
    fn add(&mut self, side: usize, name: String, bytes: u64) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let sum = &mut self.of.entry(name).or_default()[side];
        *sum = Some(sum.unwrap_or(0).saturating_add(bytes));
    }

    /// Those that differ, most first.
    fn changes(self) -> Vec<Growth> {
        let growth = |(name, bytes): (_, [Option<i64>; 2])| Growth {
            name,
            field: String::new(),
            before_bytes: bytes[0],
            after_bytes: bytes[1],
        };
        let mut changes: Vec<_> = self.of.into_iter().map(growth).collect();
        changes.retain(|it| it.bytes() != 0);
        changes.sort_by_key(|it| Reverse(it.bytes().unsigned_abs()));
        changes
    }
}

#[cfg(test)]
mod tests;
