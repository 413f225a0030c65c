//! `pagetrace report`: another look at a report or a case that was saved, or at what a service records.

use std::process::ExitCode;

use anyhow::{Result, bail, ensure};

use super::{
    browser::Page,
    doctor, live,
    outputs::Outputs,
    take::{self, Either},
};
use crate::{
    cli::{Output, ReportArgs, Source},
    model::{Case, Choice as _, GroupBy, Report},
    render::{self, Extent},
};

/// Reads the report and writes it as the options say; has the page opened in a browser, if it is to be.
pub fn run(mut args: ReportArgs) -> Result<ExitCode> {
    if !args.open {
        return written(&args);
    }
    let page = Page::of(&args.output)?;
    args.output.html = Some(Output::File(page.path.clone()));
    let code = written(&args)?;
    page.open()?;
    Ok(code)
}

fn written(args: &ReportArgs) -> Result<ExitCode> {
    let mut outputs = Outputs::open(&args.ranking, &args.output)?;
    let saved = match args.source() {
        Source::Saved(input) => take::either::<Case, Report>(input)?,
        Source::Service { socket, since } => Either::Second(Box::new(live::report(socket, since)?)),
    };
    match saved {
        Either::First(case) => shown(&case, args, &mut outputs),
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
fn shown(case: &Case, args: &ReportArgs, outputs: &mut Outputs) -> Result<ExitCode> {
    let trace = case.evidence.trace.as_ref();
    if let Some(trace) = trace {
        check_takers(trace, args.ranking.by)?;
    }
    outputs.write_page_of(case)?;
    match trace {
        Some(trace) if args.output.needs_trace() => outputs.write(trace)?,
        None if args.output.needs_trace() => bail!("this case has no trace, which that form is of"),
        _ if outputs.are_quiet() => {}
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
