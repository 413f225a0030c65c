//! `pagetrace pages`: what every page frame is.

use std::{collections::HashMap, process::ExitCode, time::Instant};

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use rustc_hash::FxHashMap;

use super::{
    answer::Answer,
    page_frames::{FirstLook, PageFrames, first_look},
    take,
};
use crate::{
    analysis,
    bpf::{self, OwnerLayout},
    cli::PagesArgs,
    kernel::{
        btf::Btf,
        host,
        page_list::{PageBlockAt, PageList},
        read_memory::ReadMemory as _,
    },
    model::{
        Feature, Limitation, ListedBlock, PageBlock, PageKey, PageUse, PagesList, PagesReport,
        PagesSchema, Seconds, Snapshot, Threshold, Tool,
    },
    render,
    symbols::KernelSymbols,
};

/// Looks at every page frame and writes what they are as the options say.
pub fn run(args: &PagesArgs) -> Result<ExitCode> {
    if let Some(frame) = args.peek {
        return peek(frame, args.raw);
    }
    let answer = Answer::open(args.json.as_ref(), args.top, args.verbose)?;
    let by = args.by;
    let report = match &args.from {
        Some(input) => take::part(input, |it: Snapshot| it.pages, "page frames' uses")?,
        None => report(args.list)?,
    };
    answer.write(&report, |report, extent, out| {
        render::pages(report, by, extent, out)
    })
}

/// Says what one page frame is, and what class of data it has; `raw` shows the data as well.
fn peek(frame: u64, raw: bool) -> Result<ExitCode> {
    first_look(|first| peek_at(first, frame, raw))
}

fn peek_at(FirstLook { mut frames, .. }: FirstLook<'_>, frame: u64, raw: bool) -> Result<ExitCode> {
    let mut around = PageBlockAt::new(frame);
    frames.count(&mut around)?;
    let free = || format!("page frame {frame:#x} is free, or is none of this machine");
    let block = around.finish().with_context(free)?;
    let places = frames.places();
    let places = places.context("where the kernel sees all memory was not found")?;
    let data = frames
        .memory
        .read(places.address(frame), places.page_size as usize);
    let data = data.with_context(|| format!("page frame {frame:#x} cannot be read"))?;
    if raw {
        render::say("what follows may be a password or a key of somebody");
    }
    let content = analysis::content(data);
    let shown = raw.then_some(data);
    render::print(|out| render::page_frame(frame, &block, content, shown, out))?;
    Ok(ExitCode::SUCCESS)
}

/// What every page frame is used for now; those of one use are listed.
fn report(list: Option<PageUse>) -> Result<PagesReport> {
    first_look(|mut first| {
        let frames = &mut first.frames;
        report_of(frames, first.btf, first.started, list, first.limitations)
    })
}

/// The same of page frames that were looked at once, which began at this time.
pub(super) fn report_of(
    frames: &mut PageFrames,
    btf: &Btf<'_>,
    (taken_at, started): (Timestamp, Instant),
    list: Option<PageUse>,
    mut limitations: Vec<Limitation>,
) -> Result<PagesReport> {
    // The counters are of the moment before the second look.
    let (counters, unread) = host::memory_counters()?;
    limitations.extend(unread);
    let (pages, blocks) = count(frames, list)?;
    let seconds = Seconds::from(started.elapsed());
    let names = OwnerLayout::of(btf);
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
        list: list.map(|page_use| listed(page_use, blocks, &names)),
        groups,
        limitations,
    })
}

type Pages = FxHashMap<PageKey, u64>;

/// Counts all page frames, and keeps the blocks of one use.
fn count(frames: &mut PageFrames, list: Option<PageUse>) -> Result<(Pages, Blocks)> {
    /// Blocks that are listed: 200 MB of them.
    const MOST: usize = 1 << 22;
    let Some(page_use) = list else {
        return Ok((frames.count(&mut ())?.pages, Blocks::default()));
    };
    let mut list = PageList::new(page_use, MOST);
    let pages = frames.count(&mut list)?.pages;
    Ok((pages, list.finish()))
}

/// Blocks, and how many were left out.
type Blocks = (Vec<PageBlock>, u64);

fn listed(
    page_use: PageUse,
    (blocks, left_out): Blocks,
    names: &HashMap<u64, Option<String>>,
) -> PagesList {
    let blocks = blocks.into_iter();
    let blocks = blocks.map(|block| ListedBlock {
        frame: block.first,
        pages: block.pages,
        references: block.references,
        mappings: block.mappings,
        owner: names.get(&block.owner).cloned().flatten(),
    });
    PagesList {
        page_use,
        blocks: blocks.collect(),
        left_out,
    }
}

/// The functions that asked vmalloc, by the addresses in them.
fn callers(pages: &Pages) -> Result<HashMap<u64, Option<String>>> {
    let of_vmalloc = |key: &&PageKey| key.page_use == PageUse::Vmalloc;
    let keys = pages.keys().filter(of_vmalloc);
    let addresses: Vec<_> = keys.map(|key| key.owner).collect();
    Ok(KernelSymbols::new(host::kallsyms()?, None).functions(&addresses))
}
