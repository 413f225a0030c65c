//! `pagetrace snapshot`: keeps what is known of the machine's memory.

use std::process::ExitCode;

use anyhow::Result;

use super::{destination::Destination, take};
use crate::cli::SnapshotArgs;

/// Reads everything and writes it to the file.
pub fn run(args: &SnapshotArgs) -> Result<ExitCode> {
    let destination = Destination::open(&args.output)?;
    let snapshot = take::running(take::Parts::ALL)?;
    destination.write(|out| take::compress(&snapshot, out))?;
    Ok(ExitCode::SUCCESS)
}
