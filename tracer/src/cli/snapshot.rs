//! The options of keeping what is known of the machine's memory.

use super::{Output, values};

/// Where to keep it.
#[derive(clap::Args, Debug)]
#[command(max_term_width = 100)]
pub struct SnapshotArgs {
    /// The file, compressed JSON that only you may read; `-` puts it on stdout
    #[arg(short, long, value_name = "FILE|-", value_parser = values::output())]
    pub output: Output,
}
