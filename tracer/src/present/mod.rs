//! Presentation: the only room that formats. One file per format; each writes a
//! [`Report`](crate::analysis::Report) to any writer.

mod checklist;
mod files;
mod folded;
mod json;
mod progress;
mod ranking;
mod table;
mod text;

pub use checklist::checklist;
pub use files::Destination;
pub use folded::folded;
pub use json::json;
pub use progress::Progress;
pub use table::table;

use std::{
    io::{self, Write},
    process::ExitCode,
};

/// Says what failed, in one sentence, and gives the exit code for it. A reader
/// that went away early (`| head`) has what it wanted.
pub fn failure(error: &anyhow::Error) -> ExitCode {
    let is_broken_pipe = |cause: &(dyn std::error::Error + 'static)| {
        let error = cause.downcast_ref::<io::Error>();
        error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(is_broken_pipe) {
        return ExitCode::SUCCESS;
    }
    say(&format!("{error:#}"));
    ExitCode::FAILURE
}

/// One sentence to the person at the terminal, on stderr.
pub fn say(sentence: &str) {
    // Nobody is left to be told that stderr is gone.
    let _ = writeln!(io::stderr(), "pagetrace: {sentence}");
}
