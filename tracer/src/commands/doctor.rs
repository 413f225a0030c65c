//! `pagetrace doctor`: what takes the memory, who holds it, and what would give it back.

mod contents;
mod verify;
mod window;

pub(super) use window::grown;

use std::process::ExitCode;

use anyhow::Result;

use super::{destination::Destination, page, take};
use crate::{
    analysis::{self, Diagnosis},
    cli::{DoctorArgs, Output},
    kernel::host,
    model::{Case, CaseSchema, Evidence, Gravity, Seconds, Tool},
    render::{self, Extent},
};

/// How many findings fit on a screen.
pub(super) const SHOWN: usize = 2;

/// What monitoring plugins exit with when they cannot tell.
const UNKNOWN: u8 = 3;

/// Looks, traces, looks again, and says what follows as the options say. The exit code tells how bad it
/// is.
pub fn run(args: &DoctorArgs) -> Result<ExitCode> {
    if let Some(case) = &args.verify {
        return verify::verify(case, args);
    }
    match examined(args) {
        Err(error) if args.nagios => {
            render::print(|out| render::nagios_unknown(&error, out))?;
            Ok(UNKNOWN.into())
        }
        case => written(&case?, args),
    }
}

/// Where a case goes.
struct Outputs {
    save: Option<Destination>,
    json: Option<Destination>,
    html: Option<Destination>,
}

impl Outputs {
    fn open(args: &DoctorArgs) -> Result<Self> {
        let open = |output: &Option<Output>| output.as_ref().map(Destination::open).transpose();
        Ok(Self {
            save: open(&args.save)?,
            json: open(&args.json)?,
            html: open(&args.html)?,
        })
    }
}

fn examined(args: &DoctorArgs) -> Result<(Case, Outputs)> {
    let outputs = Outputs::open(args)?;
    let case = examine(args)?;
    let case = if args.redact {
        analysis::redacted(&case)?
    } else {
        case
    };
    Ok((case, outputs))
}

fn examine(args: &DoctorArgs) -> Result<Case> {
    let other = args.against.as_ref().map(take::saved).transpose()?;
    let before = take::running(take::Parts::ALL)?;
    let mut watched = window::watch(args, &before)?;
    let after = take::running(take::Parts::ALL)?;
    let against = other.map(|other| analysis::snapshots(&other, &after));
    let evidence = Evidence {
        against: against.transpose()?,
        processes: watched.processes(&after),
        trace: watched.trace,
        limitations: watched.limitations,
        boot_id: host::boot_id().ok(),
        before,
        after,
    };
    concluded(evidence, watched.seconds)
}

/// What follows from all that was seen in so long.
pub(super) fn concluded(evidence: Evidence, seconds: Seconds) -> Result<Case> {
    let Diagnosis {
        mut findings,
        looked_at,
        books,
        large_bytes,
    } = analysis::diagnose(&evidence)?;
    contents::look_into(&mut findings);
    Ok(Case {
        schema: CaseSchema::V1,
        tool: Tool::own(),
        host: evidence.after.host.clone(),
        window_seconds: seconds,
        findings,
        looked_at,
        large_bytes,
        books,
        evidence,
    })
}

fn written((case, outputs): &(Case, Outputs), args: &DoctorArgs) -> Result<ExitCode> {
    if let Some(save) = &outputs.save {
        save.write(|out| take::compress(case, out))?;
    }
    if let Some(json) = &outputs.json {
        json.write(|out| render::document(case, out))?;
    }
    if let Some(html) = &outputs.html {
        html.write(|out| page::of_case(case, &page::usual(), out))?;
    }
    if args.nagios {
        render::print(|out| render::nagios(case, out))?;
        return Ok(nagios_code(case).into());
    }
    let to_stdout = [&args.json, &args.save, &args.html].contains(&&Some(Output::Stdout));
    if !to_stdout {
        let extent = Extent {
            top: args.top.unwrap_or(SHOWN),
            whole: args.verbose,
        };
        render::print(|out| render::case(case, extent, out))?;
    }
    Ok(exit_code(case).into())
}

/// 0 where nothing is wrong, 10 where something is suspicious, 20 where memory leaks.
pub(super) fn exit_code(case: &Case) -> u8 {
    match case.gravity() {
        None | Some(Gravity::Information) => 0,
        Some(Gravity::Suspicious) => 10,
        Some(Gravity::Leak) => 20,
    }
}

fn nagios_code(case: &Case) -> u8 {
    exit_code(case) / 10
}
