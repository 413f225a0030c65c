//! Writes manual pages and shell completions, as the definition of the command line has them. Packages
//! bring them (`cargo xtask dist`); pagetrace itself does not need what makes them.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use clap::Parser;
use clap_complete::Shell;
use pagetrace::cli;

/// Writes manual pages and shell completions
#[derive(Parser)]
struct Args {
    /// Where to make the folders `man` and `completions`
    folder: PathBuf,
}

/// The shells whose completions packages bring.
const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

fn main() -> Result<()> {
    let Args { folder } = Args::parse();
    let pages = fresh(&folder, "man")?;
    clap_mangen::generate_to(cli::definition(), &pages)
        .with_context(|| format!("cannot write to {}", pages.display()))?;
    let completions = fresh(&folder, "completions")?;
    for shell in SHELLS {
        clap_complete::generate_to(shell, &mut cli::definition(), "pagetrace", &completions)
            .with_context(|| format!("cannot write to {}", completions.display()))?;
    }
    Ok(())
}

/// A folder of this name without what was in it before.
fn fresh(folder: &Path, name: impl AsRef<OsStr>) -> Result<PathBuf> {
    let folder = folder.join(name.as_ref());
    let context = || format!("cannot make {}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(context)?;
    }
    fs::create_dir_all(&folder).with_context(context)?;
    Ok(folder)
}
