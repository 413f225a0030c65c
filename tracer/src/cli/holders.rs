//! The options of a look at who holds page frames.

use std::{path::PathBuf, time::Duration};

use super::{Input, Output, values};
use crate::model::HoldersBy;

/// What growth is measured against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Baseline {
    /// A look at the machine now.
    Now,
    /// One that was saved.
    File(PathBuf),
}

/// What to show of those who hold page frames.
#[derive(clap::Args, Debug)]
#[command(max_term_width = 100)]
pub struct HoldersArgs {
    /// Look at what `--json` or `pagetrace snapshot` saved instead of the running machine; `-` reads it
    /// from stdin
    #[arg(long, value_name = "FILE|-", value_parser = values::input())]
    pub from: Option<Input>,

    /// What to show together
    #[arg(long, value_name = "WHAT", default_value = "holder", value_parser = values::choice::<HoldersBy>())]
    #[arg(conflicts_with = "from")]
    pub by: HoldersBy,

    /// Say what points to the page frames that nothing was found to hold, and what class of data they
    /// have; reads all slabs, which takes a second for a gigabyte
    #[arg(long, conflicts_with = "from")]
    pub explain: bool,

    /// Show what grew since this look, as `--json` or `pagetrace snapshot` saved it; `now` looks now,
    /// and again once you press Enter
    #[arg(long, value_name = "FILE|now", value_parser = values::baseline)]
    pub baseline: Option<Baseline>,

    /// Show what grew since the first look, again every so many seconds, until Ctrl-C
    #[arg(long, value_name = "SECONDS", value_parser = values::interval)]
    #[arg(conflicts_with_all = ["from", "json", "baseline", "explain"])]
    pub watch: Option<Duration>,

    /// How many holders to show
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub top: usize,

    /// Write everything as JSON to a file that only you may read; `-` puts it on stdout instead
    /// of the table
    #[arg(long, value_name = "FILE|-", value_parser = values::output())]
    pub json: Option<Output>,

    /// Show every holder, and what could not be followed with its reason
    #[arg(short, long)]
    pub verbose: bool,
}
