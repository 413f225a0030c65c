//! `pagetrace mem`: where the machine's memory went.

use std::{
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;

use super::{answer::Answer, live, take};
use crate::{
    analysis,
    cli::MemArgs,
    kernel::host,
    model::{Line, MemReport, Threshold},
    render,
};

/// Reads the counters and writes the balance as the options say.
pub fn run(args: &MemArgs) -> Result<ExitCode> {
    if let Some(interval) = args.watch {
        return watch(interval, args.top.max(LINES));
    }
    let answer = Answer::open(args.json.as_ref(), args.top, args.verbose)?;
    let parts = if args.holders {
        take::Parts::HOLDERS
    } else {
        take::Parts::QUICK
    };
    let mut snapshot = take::snapshot(args.from.as_ref(), parts)?;
    if args.census && args.from.is_none() {
        let (memory, census) = host::counters_and_census()?;
        snapshot.memory = memory;
        snapshot.census = Some(census);
    }
    let mut balance = analysis::balance(&snapshot.memory, args.threshold.unwrap_or_default())?;
    let vmalloc = snapshot.memory.vmalloc.as_deref().unwrap_or_default();
    analysis::explain(&mut balance, snapshot.holders(), vmalloc);
    let compare = |census| analysis::compare(census, &snapshot.memory, &balance.tree);
    let census = snapshot.census.as_ref().map(compare);
    let report = MemReport::new(snapshot, balance, census.unwrap_or_default());
    let is_running = args.from.is_none();
    let service = is_running.then(|| live::recorder_of_all(&args.service.socket));
    answer.write(&report, |report, extent, out| {
        render::mem(report, extent, out)?;
        let service = service.flatten();
        service.map_or(Ok(()), |service| render::recorded_by(&service, out))
    })
}

/// How many lines of what changes are shown at least.
const LINES: usize = 12;

/// Shows again and again what changed since the beginning.
fn watch(interval: Duration, top: usize) -> Result<ExitCode> {
    let (start, first) = (Instant::now(), tree()?);
    let mut is_read = true;
    while is_read {
        thread::sleep(interval);
        let (time, growth) = (start.elapsed(), analysis::growth(&first, &tree()?));
        is_read = render::print_page(|out| render::growth(&growth, time, top, out))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn tree() -> Result<Line> {
    let (counters, _) = host::memory_counters()?;
    Ok(analysis::balance(&counters, Threshold::Usual)?.tree)
}
