//! The options that say in which form a report goes where.

use std::path::PathBuf;

use super::values;
use crate::model::FoldedBy;

/// Where these options are in the help.
const HEADING: &str = "Where it goes";

/// Where the report goes.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = HEADING)]
pub struct OutputArgs {
    /// Write folded stacks, root first, with bytes, to a file that only you may read; `-` puts
    /// them on stdout instead of the table
    #[arg(long, value_name = "FILE|-", value_parser = values::output())]
    pub folded: Option<Output>,

    /// What stands at the root of a folded stack
    #[arg(long, value_name = "WHAT", default_value = "stack", value_parser = values::choice::<FoldedBy>())]
    pub folded_by: FoldedBy,

    /// Write the whole report as JSON to a file that only you may read; `-` puts it on stdout
    /// instead of the table
    #[arg(long, value_name = "FILE|-", value_parser = values::output())]
    pub json: Option<Output>,

    /// Show whole stacks and every cause of loss, and say what is going on
    #[arg(short, long)]
    pub verbose: bool,
}

/// Where an output format goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To stdout, in place of the table.
    Stdout,
    /// To a file.
    File(PathBuf),
}

impl OutputArgs {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.json.is_some() && self.json == self.folded {
            return Err("--json and --folded cannot go to the same place".to_owned());
        }
        Ok(())
    }
}
