//! `pagetrace pages`: what every page frame is.

use std::{process::ExitCode, time::Instant};

use anyhow::Result;
use jiff::Timestamp;
use rustc_hash::FxHashMap;

use super::{answer::Answer, page_frames::PageFrames, take};
use crate::{
    analysis,
    bpf::{self, OwnerLayout},
    cli::PagesArgs,
    kernel::{btf::Btf, host},
    model::{
        Feature, PageKey, PageUse, PagesReport, PagesSchema, Seconds, Snapshot, Threshold, Tool,
    },
    render,
    symbols::KernelSymbols,
};

/// Looks at every page frame and writes what they are as the options say.
pub fn run(args: &PagesArgs) -> Result<ExitCode> {
    let answer = Answer::open(args.json.as_ref(), args.top, args.verbose)?;
    let by = args.by;
    let report = match &args.from {
        Some(input) => take::part(input, |it: Snapshot| it.pages, "page frames' uses")?,
        None => report()?,
    };
    answer.write(&report, |report, extent, out| {
        render::pages(report, by, extent, out)
    })
}

/// What every page frame is used for now.
pub(super) fn report() -> Result<PagesReport> {
    let blob = host::btf()?;
    let btf = Btf::parse(&blob)?;
    let mut limitations = Vec::new();
    let (taken_at, started) = (Timestamp::now(), Instant::now());
    let mut frames = PageFrames::look(&btf, &mut limitations)?;
    // The counters are of the moment before the second look.
    let (counters, unread) = host::memory_counters()?;
    limitations.extend(unread);
    let pages = frames.count(&mut ())?.pages;
    let seconds = Seconds::from(started.elapsed());
    let names = OwnerLayout::of(&btf);
    let mut names = bpf::owner_names(&mut frames.memory, &names, pages.keys());
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
