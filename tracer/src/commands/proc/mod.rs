//! `pagetrace proc`: which processes have the memory, and what one of them holds.

mod list;
mod one;
pub(super) mod peek;
pub(super) mod watch;
pub(super) mod watching;

use std::process::ExitCode;

use anyhow::Result;

use super::answer::Answer;
use crate::{cli::ProcArgs, render};

/// Reads the processes, or one, and writes them as the options say.
pub fn run(args: &ProcArgs) -> Result<ExitCode> {
    let answer = Answer::open(args.json.as_ref(), args.top, args.verbose)?;
    match args.pid {
        Some(pid) => answer.write(&one::report(pid, args)?, render::process),
        None => answer.write(&list::report(args)?, render::processes),
    }
}
