//! The options that say what of a report is shown, and in which order.

use std::time::Duration;

use super::values;
use crate::model::{GroupBy, KindChoice, Selection, SortKey};

/// Where these options are in the help.
const HEADING: &str = "What to rank";

/// What to rank, and how.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = HEADING)]
pub struct RankingArgs {
    /// How many entries the table shows
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,

    /// What is one entry; every stack is in the other formats
    #[arg(long, value_name = "WHAT", default_value = "function", value_parser = values::choice::<GroupBy>())]
    pub by: GroupBy,

    /// What to rank the entries by; growth is what goes on throughout the window
    #[arg(long, value_name = "KEY", default_value = "bytes", value_parser = values::choice::<SortKey>())]
    sort: SortKey,

    /// Which kinds of pages to rank, separated by commas; all kinds are in the JSON report
    #[arg(
        long,
        value_name = "KIND",
        value_parser = values::choice::<KindChoice>(),
        value_delimiter = ',',
        default_value = "unaccounted"
    )]
    kind: Vec<KindChoice>,

    /// Rank only call sites with a function of this module in their stack
    #[arg(long, value_name = "NAME")]
    module: Option<String>,

    /// Leave out pages younger than this at the end of the window
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = values::seconds)]
    pub(super) min_age: Duration,
}

impl RankingArgs {
    /// What is asked of the report.
    pub fn selection(&self) -> Selection {
        Selection {
            by: self.by,
            sort: self.sort,
            min_age_seconds: self.min_age.into(),
            kinds: KindChoice::kinds(&self.kind),
            module: self.module.clone(),
        }
    }
}
