//! `pagetrace report`: another look at a report or a case that was saved, or at what a service records.

use std::process::ExitCode;

use anyhow::{Result, bail, ensure};

use super::{
    browser, doctor, live,
    outputs::Outputs,
    take::{self, Either},
};
use crate::{
    cli::{Output, OutputArgs, ReportArgs, Source},
    model::{Case, Choice as _, GroupBy, Report},
    render::{self, Extent},
};

/// Reads the report and writes it as the options say.
pub fn run(args: &ReportArgs) -> Result<ExitCode> {
    if args.open {
        return opened(args);
    }
    written(args, &args.output)
}

/// Has the page opened in a browser, too.
fn opened(args: &ReportArgs) -> Result<ExitCode> {
    let page = browser::page_of(&args.output)?;
    let output = OutputArgs {
        html: Some(Output::File(page.clone())),
        ..args.output.clone()
    };
    let code = written(args, &output)?;
    browser::open(&page)?;
    Ok(code)
}

fn written(args: &ReportArgs, output: &OutputArgs) -> Result<ExitCode> {
    let mut outputs = Outputs::open(&args.ranking, output)?;
    let saved = match args.source() {
        Source::Saved(input) => take::either::<Case, Report>(input)?,
        Source::Service { socket, since } => Either::Second(Box::new(live::report(socket, since)?)),
    };
    match saved {
        Either::First(case) => shown(&case, args, output, &mut outputs),
        Either::Second(report) => {
            check_takers(&report, args.ranking.by)?;
            outputs.write(&report)?;
            Ok(ExitCode::SUCCESS)
        }
    }
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

/// Writes a case as `pagetrace doctor` does; its trace, where another form was asked for.
fn shown(
    case: &Case,
    args: &ReportArgs,
    output: &OutputArgs,
    outputs: &mut Outputs,
) -> Result<ExitCode> {
    let trace = case.evidence.trace.as_ref();
    if let Some(trace) = trace {
        check_takers(trace, args.ranking.by)?;
    }
    outputs.write_page_of(case)?;
    match trace {
        Some(trace) if output.needs_trace() => outputs.write(trace)?,
        None if output.needs_trace() => bail!("this case has no trace, which that form is of"),
        _ if outputs.are_quiet() => {}
        _ => {
            let extent = Extent {
                top: doctor::SHOWN,
                whole: output.verbose,
            };
            render::print(|out| render::case(case, extent, out))?;
        }
    }
    Ok(doctor::exit_code(case).into())
}
