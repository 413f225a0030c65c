//! The options of a look at a report that was saved, or at what a service records.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{DEFAULT_SOCKET, OutputArgs, RankingArgs, values};

/// Which report, and what to show of it.
#[derive(clap::Args, Debug)]
#[command(max_term_width = 100)]
pub struct ReportArgs {
    /// The report, as `--json` wrote it; `-` reads it from stdin
    #[arg(value_name = "FILE|-", value_parser = values::input(), required_unless_present = "live")]
    input: Option<Input>,

    /// Ask the service that records on this machine (`pagetrace serve`)
    #[arg(long, conflicts_with = "input")]
    live: bool,

    /// Only pages that were taken in the last minutes, hours or days: `10m`, `2h`, `7d`; by default
    /// all since the service began
    #[arg(long, value_name = "TIME", requires = "live", value_parser = values::time)]
    since: Option<Duration>,

    /// Where the service answers
    #[arg(long, value_name = "PATH", requires = "live", default_value = DEFAULT_SOCKET)]
    socket: PathBuf,

    /// Open the page (`--html`) in a browser; without `--html` it is in the folder for temporary files
    #[arg(long)]
    pub open: bool,

    /// What to rank, and how.
    #[command(flatten)]
    pub ranking: RankingArgs,

    /// Where it goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Where a report comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source<'a> {
    /// From what was saved.
    Saved(&'a Input),
    /// From a service.
    Service {
        /// Where it answers.
        socket: &'a Path,
        /// Of how long; none for all that it recorded.
        since: Option<Duration>,
    },
}

impl ReportArgs {
    /// Where the report comes from.
    pub fn source(&self) -> Source<'_> {
        let service = Source::Service {
            socket: &self.socket,
            since: self.since,
        };
        self.input.as_ref().map_or(service, Source::Saved)
    }
}

/// A saved report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// From stdin.
    Stdin,
    /// From a file.
    File(PathBuf),
}
