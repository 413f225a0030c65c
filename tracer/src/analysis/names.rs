//! The functions at every address of every stack, each looked up once.

use std::ops::Range;

use rustc_hash::{FxHashMap, FxHashSet};

use super::stack::{self, Function};
use crate::model::{Frame, SiteRecord};

/// The functions at every address of every stack. Stacks are millions of addresses, and most of
/// them are the same few.
pub(super) struct Names {
    functions: Vec<Function>,
    at: FxHashMap<u64, Range<usize>>,
}

impl Names {
    /// Those at the addresses of `records`.
    pub(super) fn of<'a>(
        records: impl Iterator<Item = &'a SiteRecord>,
        symbolize: impl FnOnce(&[u64]) -> Vec<Vec<Frame>>,
    ) -> Self {
        let addresses: FxHashSet<_> = records.flat_map(|it| &it.frames).copied().collect();
        let mut addresses: Vec<_> = addresses.into_iter().collect();
        addresses.sort_unstable();
        let mut functions = Vec::with_capacity(addresses.len());
        let mut at = FxHashMap::default();
        for (address, frames) in addresses.iter().zip(symbolize(&addresses)) {
            let start = functions.len();
            let indexed = (start as u32..).zip(frames);
            functions.extend(indexed.map(|(index, frame)| Function::new(index, frame)));
            at.insert(*address, start..functions.len());
        }
        Self { functions, at }
    }

    /// The functions of a stack, inlined ones in their places.
    pub(super) fn functions(&self, addresses: &[u64]) -> Vec<&Function> {
        addresses.iter().flat_map(|&it| self.at(it)).collect()
    }

    /// How many addresses of a stack are its own, and not those of whoever it interrupted.
    pub(super) fn own(&self, addresses: &[u64]) -> usize {
        stack::own(addresses.iter().map(|&it| self.at(it)))
    }

    /// The frames that are used, in the order of their first use. Each use is told its new place.
    pub(super) fn used<'a>(self, uses: impl Iterator<Item = &'a mut u32>) -> Vec<Frame> {
        let mut frames: Vec<_> = self
            .functions
            .into_iter()
            .map(|it| Some(it.frame))
            .collect();
        let mut places = vec![0; frames.len()];
        let mut used = Vec::new();
        for index in uses {
            let old = *index as usize;
            if let Some(frame) = frames[old].take() {
                places[old] = used.len() as u32;
                used.push(frame);
            }
            *index = places[old];
        }
        used
    }

    fn at(&self, address: u64) -> &[Function] {
        let range = self.at.get(&address);
        range.map_or(&[], |range| &self.functions[range.clone()])
    }
}
