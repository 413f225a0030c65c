//! The options of a look at a report that was saved.

use std::path::PathBuf;

use super::{OutputArgs, RankingArgs, values};

/// Which report, and what to show of it.
#[derive(clap::Args, Debug)]
#[command(max_term_width = 100)]
pub struct ReportArgs {
    /// The report, as `--json` wrote it; `-` reads it from stdin
    #[arg(value_name = "FILE|-", value_parser = values::input())]
    pub input: Input,

    /// What to rank, and how.
    #[command(flatten)]
    pub ranking: RankingArgs,

    /// Where it goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Where a report comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// From stdin.
    Stdin,
    /// From a file.
    File(PathBuf),
}
