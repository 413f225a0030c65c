//! `pagetrace pages`: what every page frame is.

use std::{process::ExitCode, time::Instant};

use anyhow::{Result, anyhow};
use jiff::Timestamp;
use rustc_hash::FxHashMap;

use super::answer::Answer;
use crate::{
    analysis,
    bpf::{self, Features, KernelMemory, OwnerLayout, PageArray, PageCensus, VmallocSource},
    cli::PagesArgs,
    kernel::{btf::Btf, host, page_census::VmallocFrames, page_struct::PageStruct},
    model::{
        Feature, Limitation, MemoryCounters, PageKey, PageUse, PagesReport, PagesSchema, Seconds,
        Threshold, Tool,
    },
    render,
    symbols::KernelSymbols,
};

/// Looks at every page frame and writes what they are as the options say.
pub fn run(args: &PagesArgs) -> Result<ExitCode> {
    let answer = Answer::open(args.json.as_ref(), args.top, args.verbose)?;
    let by = args.by;
    answer.write(&report()?, |report, extent, out| {
        render::pages(report, by, extent, out)
    })
}

fn report() -> Result<PagesReport> {
    let array = Features::probe()?.page_array.map_err(refusal)?;
    let blob = host::btf()?;
    let btf = Btf::parse(&blob)?;
    let mut memory = KernelMemory::open()?;
    let mut limitations = Vec::new();
    let (taken_at, started) = (Timestamp::now(), Instant::now());
    let (pages, counters) = count(&mut memory, array, &btf, &mut limitations)?;
    let seconds = Seconds::from(started.elapsed());
    let mut names = bpf::owner_names(&mut memory, &OwnerLayout::of(&btf), pages.keys());
    match callers(&pages) {
        Ok(callers) => names.extend(callers),
        Err(error) => limitations.push(Feature::KernelSymbols.degraded(format!("{error:#}"))),
    }
    let groups = analysis::page_groups(&pages, &names);
    let balance = analysis::balance(&counters, Threshold::Usual)?;
    Ok(PagesReport {
        schema: PagesSchema::V1,
        tool: Tool::own(),
        host: host::running()?,
        taken_at,
        seconds,
        uses: analysis::page_uses(&groups, &counters, &balance.tree),
        groups,
        limitations,
    })
}

type Pages = FxHashMap<PageKey, u64>;

/// Counts all page frames twice: the first time tells where slabs are, and these tell what is of
/// vmalloc. The counters are of the moment before the second time.
fn count(
    memory: &mut KernelMemory,
    array: PageArray,
    btf: &Btf<'_>,
    limitations: &mut Vec<Limitation>,
) -> Result<(Pages, MemoryCounters)> {
    let census = PageCensus {
        array,
        layout: &PageStruct::of(btf)?,
        zones: &host::zones()?,
    };
    let counts = census.count(memory, &VmallocFrames::default())?;
    let vmalloc = VmallocSource::of(btf)
        .ok()
        .and_then(|source| source.frames(memory, array, &counts.slabs));
    if vmalloc.is_none() {
        let reason = "where vmalloc keeps its areas was not found: its pages are without a mark";
        limitations.push(Feature::VmallocCallers.degraded(reason));
    }
    let (counters, unread) = host::memory_counters()?;
    limitations.extend(unread);
    let counts = census.count(memory, &vmalloc.unwrap_or_default())?;
    Ok((counts.pages, counters))
}

/// The functions that asked vmalloc, by the addresses in them.
fn callers(pages: &Pages) -> Result<Vec<(u64, Option<String>)>> {
    let of_vmalloc = |key: &&PageKey| key.page_use == PageUse::Vmalloc;
    let addresses: Vec<_> = pages
        .keys()
        .filter(of_vmalloc)
        .map(|key| key.owner)
        .collect();
    let symbols = KernelSymbols::new(host::kallsyms()?, None);
    let frames = symbols.frames(&addresses).into_iter();
    let names = frames.map(|frames| frames.into_iter().next_back()?.symbol);
    Ok(addresses.into_iter().zip(names).collect())
}

/// Without the array of page structs there is nothing to look at.
fn refusal(limitation: Limitation) -> anyhow::Error {
    anyhow!("cannot find the page structs: {}", limitation.reason)
}
