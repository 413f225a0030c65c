//! `pagetrace shm`: what holds shared memory.

use std::process::ExitCode;

use anyhow::Result;

use super::{answer::Answer, take};
use crate::{analysis, cli::ShmArgs, model::ShmReport, render};

/// Looks at shared memory and writes where it is as the options say.
pub fn run(args: &ShmArgs) -> Result<ExitCode> {
    let answer = Answer::open(args.json.as_ref(), args.top, args.verbose)?;
    let snapshot = take::snapshot(args.from.as_ref(), take::Parts::SHMEM)?;
    let balance = analysis::shmem(&snapshot)?;
    answer.write(&ShmReport::new(snapshot, balance), render::shm)
}
