//! `pagetrace holders`: who holds the page frames that no counter explains.

use std::process::ExitCode;

use anyhow::Result;

use super::{
    answer::Answer,
    holding::{self, Look},
};
use crate::{
    analysis,
    cli::HoldersArgs,
    kernel::host,
    model::{HoldersBy, HoldersReport, HoldersSchema, Tool},
    render,
};

/// Follows everything that can hold page frames, and writes who does as the options say.
pub fn run(args: &HoldersArgs) -> Result<ExitCode> {
    let answer = Answer::open(args.json.as_ref(), args.top, args.verbose)?;
    answer.write(&report(holding::look()?, args.by)?, render::holders)
}

fn report(look: Look, by: HoldersBy) -> Result<HoldersReport> {
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
        by,
        groups: analysis::holder_groups(&look.found, &look.held, &look.about, by),
        holders: analysis::holders(&look.found, &look.held, &look.about),
        unheld,
        losses: look.losses,
        limitations: look.limitations,
    })
}
