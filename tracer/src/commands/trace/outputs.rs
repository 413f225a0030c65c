//! Where the report goes: files, stdout, or both.

use std::io;

use anyhow::Result;

use super::destination::Destination;
use crate::{
    cli::{Output, TraceArgs},
    model::Report,
    render,
};

/// The outputs the user asked for, found to be writable.
pub(super) struct Outputs {
    json: Option<Destination>,
    folded: Option<Destination>,
    table: Option<usize>,
}

impl Outputs {
    pub(super) fn open(args: &TraceArgs) -> Result<Self> {
        let open = |output: &Option<Output>| output.as_ref().map(Destination::open).transpose();
        let stdout_taken = [&args.json, &args.folded].contains(&&Some(Output::Stdout));
        Ok(Self {
            json: open(&args.json)?,
            folded: open(&args.folded)?,
            table: (!stdout_taken).then_some(args.top),
        })
    }

    /// Writes to each, whatever becomes of the others; the first failure is the
    /// result. Files first: they are there even if nobody reads stdout to the end.
    pub(super) fn write(&self, report: &Report) -> Result<()> {
        let json = write(&self.json, |out| render::json(report, out));
        let folded = write(&self.folded, |out| render::folded(report, out));
        let table = self.table.map_or(Ok(()), |top| print(report, top));
        json.and(folded).and(render::to_stdout(table))
    }
}

fn write(
    destination: &Option<Destination>,
    content: impl Fn(&mut dyn io::Write) -> io::Result<()>,
) -> Result<()> {
    let written = destination
        .as_ref()
        .map(|destination| destination.write(content));
    written.unwrap_or(Ok(()))
}

fn print(report: &Report, top: usize) -> io::Result<()> {
    let mut text = Vec::new();
    render::table(report, top, &mut text)?;
    let mut stdout = anstream::stdout().lock();
    io::Write::write_all(&mut stdout, &text)?;
    io::Write::flush(&mut stdout)
}
