//! The options of a service that say which cases it saves, and where.

use std::path::PathBuf;

use super::values;
use crate::model::Threshold;

/// Which cases are saved by themselves.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "What it saves by itself")]
pub struct SaveArgs {
    /// Save a case, as `doctor --save` does, in this folder when memory goes missing or the kernel
    /// kills for memory; by default none is saved
    #[arg(long, value_name = "FOLDER")]
    pub save: Option<PathBuf>,

    /// By how much what no counter shows has to grow: a size, or a part of memory
    #[arg(long, value_name = "SIZE|PERCENT", default_value = "2%", value_parser = values::threshold)]
    pub save_at: Threshold,

    /// How many cases are kept: the newest
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub keep: u32,

    /// How much room they may take together
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = values::size)]
    pub keep_bytes: u64,
}
