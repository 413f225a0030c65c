//! The page in a browser.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use tempfile::TempPath;

use crate::{
    cli::{Output, OutputArgs},
    render,
};

/// Where the page goes that a browser is to show.
pub(super) struct Page {
    pub(super) path: PathBuf,
    /// A file of its own, which goes if nothing comes of it.
    own: Option<TempPath>,
}

impl Page {
    /// The file that was asked for, or one of its own that only this user may read.
    pub(super) fn of(output: &OutputArgs) -> Result<Self> {
        match &output.html {
            Some(Output::File(path)) => Ok(Self {
                path: path.clone(),
                own: None,
            }),
            Some(Output::Stdout) => {
                bail!("a page on stdout cannot be opened: leave out `--html -`")
            }
            None => Self::of_its_own(),
        }
    }

    fn of_its_own() -> Result<Self> {
        let mut file = tempfile::Builder::new();
        let file = file.prefix("pagetrace-").suffix(".html").tempfile();
        let file = file.context("cannot make a temporary file: say where with --html")?;
        let own = file.into_temp_path();
        Ok(Self {
            path: own.to_path_buf(),
            own: Some(own),
        })
    }

    /// Has the user's browser show it, and keeps the file: nobody knows when the browser is done with it.
    pub(super) fn open(self) -> Result<()> {
        if let Some(own) = self.own {
            own.keep().context("cannot keep a temporary file")?;
        }
        render::say(&format!("the page is in {}", self.path.display()));
        open::that_detached(&self.path)
            .context("no browser can be opened here: copy the page to where one is")
    }
}
