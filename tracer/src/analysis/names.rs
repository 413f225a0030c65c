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
    /// Addresses in BPF trampolines, which are nobody's functions.
    trampolines: FxHashSet<u64>,
}

impl Names {
    /// Those at the addresses of `records`, some of whose frames are the tracer's.
    pub(super) fn of<'a>(
        records: impl Iterator<Item = &'a SiteRecord> + Clone,
        tracer: TracerFrames,
        symbolize: impl FnOnce(&[u64]) -> Vec<Vec<Frame>>,
    ) -> Self {
        let addresses: FxHashSet<_> = records.clone().flat_map(|it| &it.frames).copied().collect();
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
        let mut names = Self {
            functions,
            at,
            tracer,
            trampolines: FxHashSet::default(),
        };
        let trampolines = records.flat_map(|it| names.trampolines(&it.frames));
        names.trampolines = trampolines.collect();
        names
    }

    /// Addresses in trampolines on the way into functions that programs are attached to. A
    /// function calls its trampoline at its entry, and that calls the rest of the function: so
    /// the trampoline lies between two frames of one function. When names are asked for, it is
    /// gone, and has that of whatever lies before it.
    fn trampolines<'a>(&'a self, stack: &'a [u64]) -> impl Iterator<Item = u64> + 'a {
        let function = |address| self.at(address).last().map(|it| &it.frame);
        let is_called_at_entry = move |rest: u64, entry: u64| {
            // A call has 5 bytes, behind the 4 of `endbr64` if there is one. Few frames are there.
            let entry = function(entry).filter(|it| it.offset.is_some_and(|it| it <= 9))?;
            let symbol = function(rest)?.symbol.as_ref()?;
            Some(Some(symbol) == entry.symbol.as_ref())
        };
        let called = stack.windows(3).filter_map(move |frames| match *frames {
            [rest, between, entry] => is_called_at_entry(rest, entry)?.then_some(between),
            _ => None,
        });
        called.chain(self.jumped_to(stack))
    }

    /// A function that jumps to its trampoline, as on Linux 7.2, is on the stack once. That is
    /// looked for at the bulk allocator only, which pagetrace's own programs are attached to, and
    /// which no BPF program calls.
    fn jumped_to<'a>(&'a self, stack: &'a [u64]) -> impl Iterator<Item = u64> + 'a {
        const BULK_ALLOCATORS: [&str; 2] = ["alloc_pages_bulk_noprof", "__alloc_pages_bulk"];
        let symbol = |address| self.at(address).last()?.frame.symbol.as_deref();
        let is_bulk = move |it| symbol(it).is_some_and(|name| BULK_ALLOCATORS.contains(&name));
        let is_bpf = move |it| symbol(it).is_none_or(|name| name.starts_with("bpf_prog_"));
        stack.windows(2).filter_map(move |frames| match *frames {
            [rest, between] => (is_bulk(rest) && is_bpf(between)).then_some(between),
            _ => None,
        })
    }

    /// The functions of a stack, inlined ones in their places.
    pub(super) fn functions(&self, addresses: &[u64]) -> Vec<&Function> {
        let addresses = addresses.iter().filter(|it| !self.trampolines.contains(it));
        addresses.flat_map(|&it| self.at(it)).collect()
    }

    /// Which addresses of a stack are its own, and not the tracer's or those of whoever it
    /// interrupted.
    pub(super) fn own(&self, addresses: &[u64]) -> Range<usize> {
        let start = stack::tracer_frames(addresses, &self.tracer, |it| self.at(it));
        let own = stack::own(addresses[start..].iter().map(|&it| self.at(it)));
        start..start + own
    }

    /// Whether a stack is that of an interrupt.
    pub(super) fn is_interrupt(&self, addresses: &[u64]) -> bool {
        let last = addresses[self.own(addresses)].last();
        last.is_some_and(|&it| self.at(it).iter().any(Function::is_entry))
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
            // Takers of one stack make it no more common.
            let mut distinct = stacks.clone();
            distinct.dedup();
            let same = stacks.chunk_by(|a, b| a == b);
            let owners = same.zip(unnamed::owners(&distinct));
            let owners = owners.flat_map(|(same, owner)| same.iter().map(move |_| owner));
            owners.collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Names by address; those from 0x10 on are in the first functions, by 0x10 for each.
    fn named(addresses: &[u64]) -> Vec<Vec<Frame>> {
        const NAMES: [&str; 4] = ["alloc_pages", "bulk", "bpf_prog_leak", "vmalloc"];
        let frame = |&address: &u64| Frame {
            address,
            offset: Some(address % 0x10),
            ..Frame::named(NAMES[(address / 0x10) as usize % NAMES.len()])
        };
        addresses.iter().map(|it| vec![frame(it)]).collect()
    }

    fn functions(stack: &[u64]) -> Vec<String> {
        functions_named(stack, named)
    }

    fn functions_of<const N: usize>(names: [&str; N]) -> Vec<String> {
        let named = |addresses: &[u64]| {
            let frame = |&address: &u64| Frame {
                address,
                ..Frame::named(names[address as usize])
            };
            addresses.iter().map(|it| vec![frame(it)]).collect()
        };
        let stack: Vec<_> = (0..N as u64).collect();
        functions_named(&stack, named)
    }

    fn functions_named(
        stack: &[u64],
        named: impl FnOnce(&[u64]) -> Vec<Vec<Frame>>,
    ) -> Vec<String> {
        let record = SiteRecord {
            frames: stack.to_vec(),
            ..SiteRecord::default()
        };
        let names = Names::of([&record].into_iter(), TracerFrames::default(), named);
        let functions = names.functions(stack).into_iter();
        functions.filter_map(|it| it.frame.symbol.clone()).collect()
    }

    #[test]
    fn a_trampoline_is_nobodys_function() {
        let stack = [0x08, 0x1c, 0x2f, 0x15, 0x38];
        assert_eq!(
            functions(&stack),
            ["alloc_pages", "bulk", "bulk", "vmalloc"]
        );
    }

    #[test]
    fn a_trampoline_that_was_jumped_to_is_nobodys_function() {
        const BULK: &str = "alloc_pages_bulk_noprof";
        let stack = [BULK, "bpf_prog_1_leak", "vmalloc"];
        assert_eq!(functions_of(stack), [BULK, "vmalloc"]);
        let stack = [BULK, "n_tty_open", "bpf_prog_1_leak"];
        assert_eq!(functions_of(stack), stack);
        let stack = ["bpf_map_alloc", "bpf_prog_1_leak", "vmalloc"];
        assert_eq!(functions_of(stack), stack);
    }

    #[test]
    fn a_function_that_calls_itself_through_another_is_no_trampoline() {
        let stack = [0x08, 0x1c, 0x2f, 0x1d, 0x38];
        let names = ["alloc_pages", "bulk", "bpf_prog_leak", "bulk", "vmalloc"];
        assert_eq!(functions(&stack), names);
    }
}
