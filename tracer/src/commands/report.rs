//! `pagetrace report`: another look at a report or a case that was saved.

use std::process::ExitCode;

use anyhow::Result;

use super::{
    doctor,
    outputs::Outputs,
    take::{self, Either},
};
use crate::{
    cli::ReportArgs,
    model::{Case, Report},
    render::{self, Extent},
};

/// Reads the report and writes it as the options say.
pub fn run(args: &ReportArgs) -> Result<ExitCode> {
    let outputs = Outputs::open(&args.ranking, &args.output)?;
    match take::either::<Case, Report>(&args.input)? {
        Either::First(case) => shown(&case, args, &outputs),
        Either::Second(report) => {
            outputs.write(&report)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Writes a case as `pagetrace doctor` does; its trace, where another form than the table was asked for.
fn shown(case: &Case, args: &ReportArgs, outputs: &Outputs) -> Result<ExitCode> {
    match &case.evidence.trace {
        Some(trace) if args.output.json.is_some() || args.output.folded.is_some() => {
            outputs.write(trace)?;
        }
        _ => {
            let extent = Extent {
                top: doctor::SHOWN,
                whole: args.output.verbose,
            };
            render::print(|out| render::case(case, extent, out))?;
        }
    }
    Ok(doctor::exit_code(case).into())
}
