//! The page in a browser.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::{
    cli::{Output, OutputArgs},
    render,
};

/// Where the page goes: to the file that was asked for, or to one of its own that only this user may read.
pub(super) fn page_of(output: &OutputArgs) -> Result<PathBuf> {
    match &output.html {
        Some(Output::File(path)) => Ok(path.clone()),
        Some(Output::Stdout) => bail!("a page on stdout cannot be opened: leave out `--html -`"),
        None => {
            let page = tempfile::Builder::new()
                .prefix("pagetrace-")
                .suffix(".html")
                .tempfile();
            let page = page.context("cannot make a temporary file: say where with --html")?;
            let path = page.into_temp_path().keep();
            path.context("cannot keep a temporary file")
        }
    }
}

/// Has the user's browser show it.
pub(super) fn open(page: &Path) -> Result<()> {
    render::say(&format!("the page is in {}", page.display()));
    open::that_detached(page)
        .context("no browser can be opened here: copy the page to where one is")
}
