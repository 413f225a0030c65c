//! The options of the screen that shows who takes pages as it happens.

use std::{path::PathBuf, time::Duration};

use super::{Input, values};
use crate::model::KindChoice;

/// What to show as it happens.
#[derive(clap::Args, Debug)]
#[command(
    max_term_width = 100,
    after_help = "\
Keys:
  1 2 3 4, Tab   functions, holders, processes, kinds of pages
  b g n          sort by bytes, growth, name
  Up Down Enter  select a line, and look into it: the stack, who has the pages; Esc goes back
  p              pause; of a recording: play
  Left Right     of a recording: the look before, the next look
  q, Ctrl-C      quit"
)]
pub struct TopArgs {
    /// Where the service answers; by default /run/pagetrace.sock, and where nobody answers there, top
    /// traces by itself
    #[arg(long, value_name = "PATH", conflicts_with = "replay")]
    pub socket: Option<PathBuf>,

    /// How often to look; by default every 2 seconds, or every 5 where a service is asked
    #[arg(short, long, value_name = "SECONDS", value_parser = values::interval)]
    pub interval: Option<Duration>,

    /// Only pages that were taken in the last minutes, hours or days: `10m`, `2h`, `7d`; by default
    /// all since recording began
    #[arg(long, value_name = "TIME", value_parser = values::time, conflicts_with = "replay")]
    pub since: Option<Duration>,

    /// Rank functions by pages of these kinds; holders and processes count pages of every kind
    #[arg(
        long,
        value_name = "KIND,...",
        value_delimiter = ',',
        default_value = "unaccounted"
    )]
    #[arg(value_parser = values::choice::<KindChoice>())]
    pub kind: Vec<KindChoice>,

    /// Keep every look in a new file that only you may read, one a line; compressed if its name ends
    /// with .zst
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    pub record: Option<PathBuf>,

    /// Show what `--record` kept, a report, or a case of `doctor`
    #[arg(long, value_name = "FILE|-", value_parser = values::input())]
    pub replay: Option<Input>,
}
