//! `pagetrace report`: another look at a report that was saved.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context as _, Result};

use super::outputs::Outputs;
use crate::{
    cli::{Input, ReportArgs},
    model::Report,
};

/// Reads the report and writes it as the options say.
pub fn run(args: &ReportArgs) -> Result<ExitCode> {
    let outputs = Outputs::open(&args.ranking, &args.output)?;
    outputs.write(&read(&args.input)?)?;
    Ok(ExitCode::SUCCESS)
}

fn read(input: &Input) -> Result<Report> {
    let (name, json) = match input {
        Input::Stdin => (Path::new("stdin"), stdin()),
        Input::File(path) => (path.as_path(), fs::read(path)),
    };
    let context = || format!("cannot read {}", name.display());
    Report::from_json(&json.with_context(context)?).with_context(context)
}

fn stdin() -> io::Result<Vec<u8>> {
    let mut json = Vec::new();
    io::stdin().lock().read_to_end(&mut json)?;
    Ok(json)
}
