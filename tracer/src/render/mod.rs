//! Presentation: the only room that formats. One file per format; each writes a
//! [`Report`](crate::model::Report) to any writer.

mod checklist;
mod error_bar;
mod folded;
mod json;
mod progress;
mod ranking;
mod table;
mod text;

pub use folded::folded;
pub use json::json;
pub use progress::Progress;
pub use table::table;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Context as _;

use crate::model::FeatureCheck;

/// Prints what `pagetrace check` found; exit code 1 if tracing cannot work.
pub fn check(checks: &[FeatureCheck]) -> anyhow::Result<ExitCode> {
    let mut stdout = anstream::stdout().lock();
    let written = checklist::checklist(checks, &mut stdout).and_then(|()| stdout.flush());
    to_stdout(written)?;
    let works = checks.iter().all(FeatureCheck::lets_trace);
    Ok(if works {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Whether stdout was written to. A reader that went away early (`| head`) has what it wanted.
pub fn to_stdout(written: io::Result<()>) -> anyhow::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to stdout"),
    }
}

/// Says what failed, in one sentence, and gives the exit code for it.
pub fn failure(error: &anyhow::Error) -> ExitCode {
    say(&sentence(error));
    ExitCode::FAILURE
}

/// The error and its causes in one sentence, without what a cause only repeats.
pub fn sentence(error: &anyhow::Error) -> String {
    let mut sentence = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if sentence.contains(&cause) {
            continue;
        }
        if !sentence.is_empty() {
            sentence += ": ";
        }
        sentence += cause.trim_end();
    }
    sentence
}

/// One sentence to the person at the terminal, on stderr.
pub fn say(sentence: &str) {
    // Nobody is left to be told that stderr is gone.
    let _ = writeln!(io::stderr(), "pagetrace: {sentence}");
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let error = anyhow!("no room")
            .context("map A: no room")
            .context("cannot load");
        assert_eq!(sentence(&error), "cannot load: map A: no room");
    }
}
