//! Sentences to the person at the terminal, on stderr.

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use anyhow::Context as _;

use super::escape::harmless;

/// Whether stdout was written to. A reader that went away early (`| head`) has what it wanted.
pub fn to_stdout(written: io::Result<()>) -> anyhow::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to stdout"),
    }
}

/// Puts a text on stdout, with colours if that is a terminal.
pub fn print(text: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> anyhow::Result<()> {
    to_stdout(write_to_stdout(text))
}

/// The same in place of what was there before, on a terminal; elsewhere after it. Whether
/// anybody reads on.
pub fn print_page(text: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> anyhow::Result<bool> {
    const HOME_AND_CLEAR: &[u8] = b"\x1b[H\x1b[J";
    let written = write_to_stdout(|out| {
        if io::stdout().is_terminal() {
            out.extend_from_slice(HOME_AND_CLEAR);
        }
        text(out)
    });
    let is_read = written.is_ok();
    to_stdout(written).map(|()| is_read)
}

fn write_to_stdout(text: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> io::Result<()> {
    let mut bytes = Vec::new();
    text(&mut bytes)?;
    let mut stdout = anstream::stdout().lock();
    stdout.write_all(&bytes)?;
    stdout.flush()
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

/// One sentence to the person at the terminal.
pub fn say(sentence: &str) {
    // Nobody is left to be told that stderr is gone.
    let _ = writeln!(io::stderr(), "pagetrace: {}", harmless(sentence));
}

/// Has the `log` crate say what it is told, of at least that level. The verifier's account has
/// many lines.
pub fn say_logged(level: log::LevelFilter) {
    let mut logger = env_logger::Builder::new();
    logger.filter_level(level).format(|out, record| {
        let text = record.args().to_string();
        let lines: Vec<_> = text.lines().map(harmless).collect();
        writeln!(out, "pagetrace: {}", lines.join("\n"))
    });
    // A second call, as from a test, finds a logger in place.
    let _ = logger.try_init();
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
