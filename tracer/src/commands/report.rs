//! `pagetrace report`: another look at a report that was saved.

use std::process::ExitCode;

use anyhow::{Context as _, Result};

use super::{outputs::Outputs, take};
use crate::{
    cli::{Input, ReportArgs},
    model::{Report, Saved as _},
};

/// Reads the report and writes it as the options say.
pub fn run(args: &ReportArgs) -> Result<ExitCode> {
    let outputs = Outputs::open(&args.ranking, &args.output)?;
    outputs.write(&read(&args.input)?)?;
    Ok(ExitCode::SUCCESS)
}

fn read(input: &Input) -> Result<Report> {
    let (name, json) = take::bytes(input);
    let context = || format!("cannot read {}", name.display());
    Report::from_json(&json.with_context(context)?).with_context(context)
}
