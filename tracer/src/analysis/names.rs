//! The functions at every address of every stack, each looked up once.

use std::ops::Range;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    judge::Taken,
    stack::{self, Function},
    unnamed,
};
use crate::model::{Frame, SiteRecord, TracerFrames};

/// The functions at every address of every stack. Stacks are millions of addresses, and most of
/// them are the same few.
pub(super) struct Names {
    functions: Vec<Function>,
    at: FxHashMap<u64, Range<usize>>,
    tracer: TracerFrames,
}

impl Names {
    /// Those at the addresses of `records`, some of whose frames are the tracer's.
    pub(super) fn of<'a>(
        records: impl Iterator<Item = &'a SiteRecord>,
        tracer: TracerFrames,
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
        Self {
            functions,
            at,
            tracer,
        }
    }

    /// The functions of a stack, inlined ones in their places.
    pub(super) fn functions(&self, addresses: &[u64]) -> Vec<&Function> {
        addresses.iter().flat_map(|&it| self.at(it)).collect()
    }

    /// Which addresses of a stack are its own, and not the tracer's or those of whoever it
    /// interrupted.
    pub(super) fn own(&self, addresses: &[u64]) -> Range<usize> {
        let start = stack::tracer_frames(addresses, &self.tracer, |it| self.at(it));
        let own = stack::own(addresses[start..].iter().map(|&it| self.at(it)));
        start..start + own
    }

    /// How the pages of a site were taken, if its stack tells.
    pub(super) fn taken(&self, record: &SiteRecord) -> Option<Taken> {
        const TRACER: &str = env!("CARGO_PKG_NAME");
        let own = &record.frames[self.own(&record.frames)];
        let task = record.first_seen.as_ref();
        let is_by_tracer = task.is_some_and(|(_, name)| name == TRACER);
        let way = stack::way(&self.functions(own), is_by_tracer)?;
        Some(Taken {
            way,
            order: record.order,
        })
    }

    /// The place of the owner in each of these stacks, which are in order, if nothing has a
    /// name.
    pub(super) fn unnamed_owners<'a>(
        &self,
        stacks: impl Iterator<Item = &'a [u64]>,
    ) -> Vec<Option<usize>> {
        let stacks: Vec<_> = stacks.collect();
        if self.functions.iter().any(Function::is_named) {
            vec![None; stacks.len()]
        } else {
            unnamed::owners(&stacks)
        }
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
