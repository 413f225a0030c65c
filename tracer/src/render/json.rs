//! The report for programs: one JSON document, schema `pagetrace.report/2`.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use crate::model::{Report, Summary};

/// The report as it is read back, and what is shown of it, which is not.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    report: &'a Report,
    summary: &'a Summary,
}

/// Writes the whole report, on one line.
pub fn json(report: &Report, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    document(&Document { report, summary }, out)
}

/// Writes a document that has its schema in it, on one line.
pub fn document(document: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    // Millions of small pieces are faster without asking what `out` is.
    let mut out = BufWriter::new(out);
    serde_json::to_writer(&mut out, document)?;
    writeln!(out)?;
    out.flush()
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
