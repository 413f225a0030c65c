//! The options of a look at shared memory.

use super::{Input, Output, values};

/// What to show of shared memory.
#[derive(clap::Args, Debug)]
#[command(max_term_width = 100)]
pub struct ShmArgs {
    /// Look at a snapshot instead of the running machine; `-` reads it from stdin
    #[arg(long, value_name = "FILE|-", value_parser = values::input())]
    pub from: Option<Input>,

    /// How many files, memfds and segments to name
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub top: usize,

    /// Write everything as JSON to a file that only you may read; `-` puts it on stdout instead
    /// of the table
    #[arg(long, value_name = "FILE|-", value_parser = values::output())]
    pub json: Option<Output>,

    /// Show every line of the tree and every file system with its limit
    #[arg(short, long)]
    pub verbose: bool,
}
