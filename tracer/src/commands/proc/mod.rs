//! `pagetrace proc`: which processes have the memory, and what one of them holds.

mod list;
mod one;
mod peek;
mod watch;
mod watching;

use std::{io, process::ExitCode};

use anyhow::Result;
use serde::Serialize;

use super::destination::Destination;
use crate::{
    cli::{Output, ProcArgs},
    render::{self, Extent},
};

/// Reads the processes, or one, and writes them as the options say.
pub fn run(args: &ProcArgs) -> Result<ExitCode> {
    let json = args.json.as_ref().map(Destination::open).transpose()?;
    match args.pid {
        Some(pid) => write(args, json, &one::report(pid, args)?, render::process),
        None => write(args, json, &list::report(args)?, render::processes),
    }
}

fn write<T: Serialize>(
    args: &ProcArgs,
    json: Option<Destination>,
    report: &T,
    render: impl FnOnce(&T, Extent, &mut Vec<u8>) -> io::Result<()>,
) -> Result<ExitCode> {
    if let Some(json) = &json {
        json.write(|out| render::document(report, out))?;
    }
    if args.json != Some(Output::Stdout) {
        let extent = Extent {
            top: args.top,
            whole: args.verbose,
        };
        render::print(|out| render(report, extent, out))?;
    }
    Ok(ExitCode::SUCCESS)
}
