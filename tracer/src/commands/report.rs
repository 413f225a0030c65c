//! `pagetrace report`: another look at a report that was saved.

use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};

use super::{outputs::Outputs, take};
use crate::{
    cli::{Input, ReportArgs},
    model::{Choice as _, GroupBy, Report, Saved as _},
};

/// Reads the report and writes it as the options say.
pub fn run(args: &ReportArgs) -> Result<ExitCode> {
    let outputs = Outputs::open(&args.ranking, &args.output)?;
    let report = read(&args.input)?;
    check_takers(&report, args.ranking.by)?;
    outputs.write(&report)?;
    Ok(ExitCode::SUCCESS)
}

/// Whether the trace told those apart that its entries are to be.
fn check_takers(report: &Report, by: GroupBy) -> Result<()> {
    let takers = by.takers();
    ensure!(
        takers.is_none() || takers == report.window.takers,
        "this trace did not tell one {0} from another: record one that does with `pagetrace -i \
         SECONDS --by {0}`",
        by.name()
    );
    Ok(())
}

fn read(input: &Input) -> Result<Report> {
    let (name, json) = take::bytes(input);
    let context = || format!("cannot read {}", name.display());
    Report::from_json(&json.with_context(context)?).with_context(context)
}
