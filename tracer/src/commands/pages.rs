//! `pagetrace pages`: what every page frame is.

use std::{process::ExitCode, time::Instant};

use anyhow::{Result, anyhow};
use jiff::Timestamp;

use super::destination::Destination;
use crate::{
    analysis,
    bpf::{self, Features, KernelMemory, OwnerLayout},
    cli::{Output, PagesArgs},
    kernel::{btf::Btf, host, page_struct::PageStruct},
    model::{Limitation, PagesReport, PagesSchema, Seconds, Threshold, Tool},
    render,
};

/// Looks at every page frame and writes what they are as the options say.
pub fn run(args: &PagesArgs) -> Result<ExitCode> {
    let json = args.json.as_ref().map(Destination::open).transpose()?;
    let report = report()?;
    if let Some(json) = &json {
        json.write(|out| render::document(&report, out))?;
    }
    if args.json != Some(Output::Stdout) {
        let extent = render::Extent {
            top: args.top,
            whole: args.verbose,
        };
        render::print(|out| render::pages(&report, args.by, extent, out))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn report() -> Result<PagesReport> {
    let array = Features::probe()?.page_array.map_err(refusal)?;
    let blob = host::btf()?;
    let btf = Btf::parse(&blob)?;
    let (layout, owners) = (PageStruct::of(&btf)?, OwnerLayout::of(&btf));
    let mut memory = KernelMemory::open()?;
    let (counters, limitations) = host::memory_counters()?;
    let (taken_at, started) = (Timestamp::now(), Instant::now());
    let pages = bpf::page_census(&mut memory, array, &layout, &host::zones()?)?;
    let seconds = Seconds::from(started.elapsed());
    let names = bpf::owner_names(&mut memory, &owners, pages.keys());
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

/// Without the array of page structs there is nothing to look at.
fn refusal(limitation: Limitation) -> anyhow::Error {
    anyhow!("cannot find the page structs: {}", limitation.reason)
}
