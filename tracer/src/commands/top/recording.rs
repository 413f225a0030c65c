//! A file that keeps looks, one a line.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::{model::Look, render};

/// A file that is written to its end after each look: whatever ends pagetrace, what was kept is there.
pub(super) struct Recording {
    path: PathBuf,
    file: File,
    is_compressed: bool,
}

impl Recording {
    /// Makes the file, which must not be there: it may be another recording.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path);
        Ok(Self {
            path: path.to_owned(),
            file: file.with_context(|| format!("cannot record to {}", path.display()))?,
            is_compressed: path.extension().is_some_and(|it| it == "zst"),
        })
    }

    /// Adds a look.
    pub(super) fn add(&mut self, look: &Look) -> Result<()> {
        let path = || format!("cannot record to {}", self.path.display());
        let line = self.line(look).with_context(path)?;
        self.file.write_all(&line).with_context(path)
    }

    /// Each line is compressed by itself (RFC 8878, 3: frames can follow each other), and so whole
    /// whatever becomes of the next.
    fn line(&self, look: &Look) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        render::document(look, &mut line)?;
        if self.is_compressed {
            line = zstd::encode_all(&line[..], zstd::DEFAULT_COMPRESSION_LEVEL)?;
        }
        Ok(line)
    }
}
