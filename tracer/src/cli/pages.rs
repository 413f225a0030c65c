//! The options of a look at every page frame.

use super::{Input, Output, values};
use crate::model::{PageUse, PagesBy};

/// What to show of the machine's page frames.
#[derive(clap::Args, Debug)]
#[command(max_term_width = 100)]
pub struct PagesArgs {
    /// Look at what `--json` or `pagetrace snapshot` saved instead of the running machine; `-` reads it
    /// from stdin
    #[arg(long, value_name = "FILE|-", value_parser = values::input())]
    pub from: Option<Input>,

    /// What to count them by
    #[arg(long, value_name = "WHAT", default_value = "use", value_parser = values::choice::<PagesBy>())]
    pub by: PagesBy,

    /// List the page frames of one use by themselves, with what refers to them
    #[arg(long, value_name = "USE", value_parser = values::choice::<PageUse>())]
    #[arg(conflicts_with_all = ["from", "by"], hide_possible_values = true)]
    pub list: Option<PageUse>,

    /// Say what one page frame is, who refers to it, and what class of data it has
    #[arg(long, value_name = "FRAME", value_parser = values::frame)]
    #[arg(conflicts_with_all = ["from", "by", "list", "json"])]
    pub peek: Option<u64>,

    /// Show the data as well: they may be a password or a key
    #[arg(long, requires = "peek")]
    pub raw: bool,

    /// How many lines to show
    #[arg(long, value_name = "N", default_value_t = 18)]
    pub top: usize,

    /// Write everything as JSON to a file that only you may read; `-` puts it on stdout instead
    /// of the table
    #[arg(long, value_name = "FILE|-", value_parser = values::output())]
    pub json: Option<Output>,

    /// Show every line, and what could not be read with its reason
    #[arg(short, long)]
    pub verbose: bool,
}
