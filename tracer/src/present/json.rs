//! The report for programs: one JSON document, schema `pagetrace.report/1`.

use std::io::{self, Write};

use serde::Serialize;

use crate::analysis::Report;

/// Name and version of the document's form. A field that goes away or changes
/// its meaning makes it `/2`; a new one does not.
const SCHEMA: &str = "pagetrace.report/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    #[serde(flatten)]
    report: &'a Report,
}

/// Writes the whole report.
pub fn json(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(
        &mut *out,
        &Document {
            schema: SCHEMA,
            report,
        },
    )?;
    writeln!(out)
}
