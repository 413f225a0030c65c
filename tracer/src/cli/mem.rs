//! The options of a look at where memory went.

use std::time::Duration;

use super::{Input, Output, ServiceArgs, values};
use crate::model::Threshold;

/// What to show of the machine's memory.
#[derive(clap::Args, Debug)]
#[command(max_term_width = 100)]
pub struct MemArgs {
    /// Look at a snapshot instead of the running machine; `-` reads it from stdin
    #[arg(long, value_name = "FILE|-", value_parser = values::input())]
    pub from: Option<Input>,

    /// From how much on a kind of memory is too large, as 500M, 2G or 10%; else 6 GiB, or a tenth
    /// of memory and 1.5 GiB
    #[arg(long, value_name = "SIZE|PERCENT", value_parser = values::threshold)]
    pub threshold: Option<Threshold>,

    /// Count every page by its flags, too, and compare
    #[arg(long)]
    pub census: bool,

    /// Follow pipes, sockets and rings to the page frames that they hold, instead of going by their own
    /// accounts; takes as long as to look at every page frame
    #[arg(long, conflicts_with = "from")]
    pub holders: bool,

    /// Show what changes, again every so many seconds, until Ctrl-C
    #[arg(long, value_name = "SECONDS", value_parser = values::interval)]
    #[arg(conflicts_with_all = ["from", "json", "census", "holders"])]
    pub watch: Option<Duration>,

    /// Who records already.
    #[command(flatten)]
    pub service: ServiceArgs,

    /// How many slab caches, callers of vmalloc and file systems to name
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub top: usize,

    /// Write everything as JSON to a file that only you may read; `-` puts it on stdout instead
    /// of the table
    #[arg(long, value_name = "FILE|-", value_parser = values::output())]
    pub json: Option<Output>,

    /// Show every line, also those of next to nothing
    #[arg(short, long)]
    pub verbose: bool,
}
