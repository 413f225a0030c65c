//! Every page frame of the machine, by its `struct page`.

use anyhow::Result;
use rustc_hash::FxHashMap;

use super::{Copied, KernelMemory, PageArray};
use crate::{
    kernel::{page_census::PageCounter, page_struct::PageStruct, zoneinfo::Zone},
    model::PageKey,
};

/// How many page frames there are of each kind.
pub fn page_census(
    memory: &mut KernelMemory,
    array: PageArray,
    layout: &PageStruct,
    zones: &[Zone],
) -> Result<FxHashMap<PageKey, u64>> {
    let mut pages = FxHashMap::default();
    for zone in zones {
        for (key, count) in count(memory, array, layout, zone)? {
            *pages.entry(key).or_default() += count;
        }
    }
    Ok(pages)
}

fn count(
    memory: &mut KernelMemory,
    array: PageArray,
    layout: &PageStruct,
    zone: &Zone,
) -> Result<FxHashMap<PageKey, u64>> {
    let size = layout.size as u64;
    let mut counter = PageCounter::new(layout, zone.node, zone.frames.start);
    let (mut next, end) = (zone.frames.start, zone.frames.end);
    while next < end {
        let frames = (end - next).min(KernelMemory::WINDOW / size);
        // Wraps as pointers do in the kernel: the array can begin below what is mapped of it.
        let address = array.base.wrapping_add(next * size);
        let copied = memory.window(address, frames * size)?;
        count_window(&mut counter, copied, layout.size, frames as usize);
        next += frames;
    }
    Ok(counter.finish())
}

fn count_window(counter: &mut PageCounter<'_>, copied: Copied<'_>, size: usize, frames: usize) {
    let readable = |at: usize| copied.readable >> (at / Copied::PIECE) & 1 == 1;
    for frame in 0..frames {
        let (start, last) = (frame * size, (frame + 1) * size - 1);
        if readable(start) && readable(last) {
            counter.count(&copied.bytes[start..]);
        } else {
            counter.absent(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, io::Write as _, time::Instant};

    use super::*;
    use crate::{
        bpf::Features,
        kernel::{btf::Btf, host},
    };

    #[test]
    fn trial() {
        let features = Features::probe().unwrap();
        let array = features.page_array.unwrap();
        let blob = host::btf().unwrap();
        let layout = PageStruct::of(&Btf::parse(&blob).unwrap()).unwrap();
        let mut memory = KernelMemory::open().unwrap();
        let zones = host::zones().unwrap();
        for _ in 0..3 {
            let start = Instant::now();
            let pages = page_census(&mut memory, array, &layout, &zones).unwrap();
            let took = start.elapsed();
            let mut by = BTreeMap::<_, u64>::new();
            for (key, count) in &pages {
                *by.entry(key.page_use).or_default() += count;
            }
            let all: u64 = by.values().sum();
            let mut out = std::io::stderr();
            writeln!(
                out,
                "{took:?} {} ns/page {} keys",
                took.as_nanos() / u128::from(all),
                pages.len()
            );
            for (page_use, count) in by {
                writeln!(out, "{:30} {:>12} KiB", page_use.name(), count * 4);
            }
        }
    }
}
