//! `pagetrace holders`: who holds the page frames that no counter explains.

use std::{io, process::ExitCode, thread, time::Duration};

use anyhow::{Context as _, Result, ensure};

use super::{
    answer::Answer,
    holding::{self, Look},
    take,
};
use crate::{
    analysis,
    cli::{Baseline, HoldersArgs, Input},
    kernel::host,
    model::{Choice as _, HoldersBy, HoldersReport, HoldersSchema, Snapshot, Tool},
    render::{self, Extent},
};

/// Follows everything that can hold page frames, and writes who does as the options say.
pub fn run(args: &HoldersArgs) -> Result<ExitCode> {
    if let Some(interval) = args.watch {
        return watch(interval, args);
    }
    let answer = Answer::open(args.json.as_ref(), args.top, args.verbose)?;
    let baseline = args.baseline.as_ref();
    let baseline = baseline.map(|it| first(it, args.by)).transpose()?;
    let mut report = match &args.from {
        Some(input) => saved(input)?,
        None => report(&holding::look(args.explain)?, args.by)?,
    };
    if let Some(baseline) = baseline {
        let name = report.by.name();
        ensure!(
            baseline.by == report.by,
            "the baseline is by {}, and this look by {name}: give --by {}",
            baseline.by.name(),
            baseline.by.name()
        );
        analysis::since_baseline(&mut report, &baseline);
    }
    answer.write(&report, render::holders)
}

/// What growth is measured against.
fn first(baseline: &Baseline, by: HoldersBy) -> Result<HoldersReport> {
    match baseline {
        Baseline::File(path) => saved(&Input::File(path.clone())),
        Baseline::Now => {
            let report = now(by)?;
            render::say("looked; press Enter to look again, and see what grew");
            let read = io::stdin().read_line(&mut String::new());
            read.context("cannot wait for Enter on stdin")?;
            Ok(report)
        }
    }
}

fn saved(input: &Input) -> Result<HoldersReport> {
    let of_snapshot = |it: Snapshot| it.page_holders;
    take::part(input, of_snapshot, "who holds page frames")
}

/// Shows again and again what grew since the beginning.
fn watch(interval: Duration, args: &HoldersArgs) -> Result<ExitCode> {
    let extent = Extent {
        top: args.top,
        whole: args.verbose,
    };
    let first = now(args.by)?;
    let mut is_read = true;
    while is_read {
        thread::sleep(interval);
        let mut report = now(args.by)?;
        analysis::since_baseline(&mut report, &first);
        is_read = render::print_page(|out| render::holders(&report, extent, out))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn now(by: HoldersBy) -> Result<HoldersReport> {
    report(&holding::look(false)?, by)
}

/// Who holds page frames, by a look at them.
pub(super) fn report(look: &Look, by: HoldersBy) -> Result<HoldersReport> {
    let host = host::running()?;
    let per_cpu = host::meminfo_bytes("Percpu").ok();
    let (unheld, totals) = analysis::holders_totals(&look.held, host.page_size, per_cpu);
    Ok(HoldersReport {
        schema: HoldersSchema::V1,
        tool: Tool::own(),
        host,
        taken_at: look.taken_at,
        seconds: look.seconds,
        totals,
        baseline: None,
        by,
        groups: analysis::holder_groups(&look.found, &look.held, &look.about, by),
        holders: analysis::holders(&look.found, &look.held, &look.about),
        cgroups: analysis::cgroup_pages(&look.found, &look.held, &look.about, &look.charged),
        unheld,
        explanation: look.explanation.clone(),
        losses: look.losses,
        limitations: look.limitations.clone(),
    })
}
