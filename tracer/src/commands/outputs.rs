//! Where the report goes: files, stdout, or both.

use std::io;

use anyhow::Result;

use super::destination::Destination;
use crate::{
    analysis,
    cli::{Output, OutputArgs, RankingArgs},
    model::{FoldedBy, Report, Selection},
    render::{self, Extent},
};

/// The outputs the user asked for, found to be writable, and what they show.
pub(super) struct Outputs {
    json: Option<Destination>,
    folded: Option<Destination>,
    folded_by: FoldedBy,
    table: Option<Extent>,
    selection: Selection,
}

impl Outputs {
    pub(super) fn open(ranking: &RankingArgs, output: &OutputArgs) -> Result<Self> {
        let open = |output: &Option<Output>| output.as_ref().map(Destination::open).transpose();
        let stdout_taken = [&output.json, &output.folded].contains(&&Some(Output::Stdout));
        let extent = Extent {
            top: ranking.top,
            whole: output.verbose,
        };
        Ok(Self {
            json: open(&output.json)?,
            folded: open(&output.folded)?,
            folded_by: output.folded_by,
            table: (!stdout_taken).then_some(extent),
            selection: ranking.selection(),
        })
    }

    /// Writes to each, whatever becomes of the others; the first failure is the
    /// result. Files first: they are there even if nobody reads stdout to the end.
    pub(super) fn write(&self, report: &Report) -> Result<()> {
        let summary = analysis::summary(report, &self.selection);
        let json = write(&self.json, |out| render::json(report, &summary, out));
        let folded = write(&self.folded, |out| {
            render::folded(report, &summary, self.folded_by, out)
        });
        let print = |extent| render::print(|out| render::table(report, &summary, extent, out));
        let table = self.table.map_or(Ok(()), print);
        json.and(folded).and(table)
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
