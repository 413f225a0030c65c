//! `pagetrace shm`: what holds shared memory.

use std::process::ExitCode;

use anyhow::Result;

use super::{destination::Destination, take};
use crate::{
    analysis,
    cli::{Output, ShmArgs},
    model::ShmReport,
    render,
};

/// Looks at shared memory and writes where it is as the options say.
pub fn run(args: &ShmArgs) -> Result<ExitCode> {
    let json = args.json.as_ref().map(Destination::open).transpose()?;
    let snapshot = take::snapshot(args.from.as_ref(), take::Parts::SHMEM)?;
    let balance = analysis::shmem(&snapshot)?;
    let report = ShmReport::new(snapshot, balance);
    if let Some(json) = &json {
        json.write(|out| render::document(&report, out))?;
    }
    if args.json != Some(Output::Stdout) {
        let extent = render::Extent {
            top: args.top,
            whole: args.verbose,
        };
        render::print(|out| render::shm(&report, extent, out))?;
    }
    Ok(ExitCode::SUCCESS)
}
