//! The options of a look at sockets.

use super::{Input, Output, values};

/// What to show of sockets.
#[derive(clap::Args, Debug)]
#[command(max_term_width = 100)]
pub struct SockArgs {
    /// Look at what `--json` or `pagetrace snapshot` saved instead of the running machine; `-` reads it
    /// from stdin
    #[arg(long, value_name = "FILE|-", value_parser = values::input())]
    pub from: Option<Input>,

    /// Ask the kernel to list its sockets, instead of following their queues by BPF: no packets and no
    /// page frames. So it is as well where BPF cannot be used
    #[arg(long, conflicts_with = "from")]
    pub no_bpf: bool,

    /// How many sockets to show
    #[arg(long, value_name = "N", default_value_t = 14)]
    pub top: usize,

    /// Write everything as JSON to a file that only you may read; `-` puts it on stdout instead
    /// of the table
    #[arg(long, value_name = "FILE|-", value_parser = values::output())]
    pub json: Option<Output>,

    /// Show every socket, also those whose queues are empty, and what could not be followed
    #[arg(short, long)]
    pub verbose: bool,
}
