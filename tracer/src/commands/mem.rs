//! `pagetrace mem`: where the machine's memory went.

use std::process::ExitCode;

use anyhow::Result;

use super::{destination::Destination, take};
use crate::{
    analysis,
    cli::{MemArgs, Output},
    model::MemReport,
    render,
};

/// Reads the counters and writes the balance as the options say.
pub fn run(args: &MemArgs) -> Result<ExitCode> {
    let json = args.json.as_ref().map(Destination::open).transpose()?;
    let snapshot = take::snapshot(args.from.as_ref(), take::Parts::QUICK)?;
    let balance = analysis::balance(&snapshot.memory, args.threshold.unwrap_or_default())?;
    let report = MemReport::new(snapshot, balance);
    if let Some(json) = &json {
        json.write(|out| render::document(&report, out))?;
    }
    if args.json != Some(Output::Stdout) {
        let extent = render::Extent {
            top: args.top,
            whole: args.verbose,
        };
        render::print(|out| render::mem(&report, extent, out))?;
    }
    Ok(ExitCode::SUCCESS)
}
