//! The options of a look at who holds page frames.

use super::{Output, values};
use crate::model::HoldersBy;

/// What to show of those who hold page frames.
#[derive(clap::Args, Debug)]
#[command(max_term_width = 100)]
pub struct HoldersArgs {
    /// What to show together
    #[arg(long, value_name = "WHAT", default_value = "holder", value_parser = values::choice::<HoldersBy>())]
    pub by: HoldersBy,

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
