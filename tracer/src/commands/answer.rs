//! Where the answer of a verb goes: a table on the screen, JSON, or both.

use std::{io, process::ExitCode};

use anyhow::Result;
use serde::Serialize;

use super::destination::Destination;
use crate::{
    cli::Output,
    render::{self, Extent},
};

/// Found to be writable before anything is read.
pub(super) struct Answer {
    json: Option<Destination>,
    is_shown: bool,
    extent: Extent,
}

impl Answer {
    /// As `--json`, `--top` and `--verbose` say.
    pub(super) fn open(json: Option<&Output>, top: usize, whole: bool) -> Result<Self> {
        Ok(Self {
            json: json.map(Destination::open).transpose()?,
            is_shown: json != Some(&Output::Stdout),
            extent: Extent { top, whole },
        })
    }

    /// Writes the report; `render` makes the table.
    pub(super) fn write<T: Serialize>(
        &self,
        report: &T,
        render: impl FnOnce(&T, Extent, &mut Vec<u8>) -> io::Result<()>,
    ) -> Result<ExitCode> {
        if let Some(json) = &self.json {
            json.write(|out| render::document(report, out))?;
        }
        if self.is_shown {
            render::print(|out| render(report, self.extent, out))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
