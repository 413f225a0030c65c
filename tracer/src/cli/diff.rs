//! The options of comparing two snapshots or two traces.

use super::{Input, Output, RankingArgs, output::distinct, values};

/// What to compare.
#[derive(clap::Args, Debug)]
#[command(max_term_width = 100)]
pub struct DiffArgs {
    /// The first: a snapshot, or a trace that `--json` wrote; `-` reads it from stdin
    #[arg(value_name = "A", value_parser = values::input())]
    pub before: Input,

    /// The second, of another moment or another machine
    #[arg(value_name = "B", value_parser = values::input())]
    pub after: Input,

    /// What of traces to compare.
    #[command(flatten)]
    pub ranking: RankingArgs,

    /// Of traces, write folded stacks with the bytes of both, for a differential flame graph, to a
    /// file that only you may read; `-` puts them on stdout instead of the table
    #[arg(long, value_name = "FILE|-", value_parser = values::output())]
    pub folded: Option<Output>,

    /// Of traces, write a differential flame graph: as wide as what the second kept, red for more than
    /// the first and blue for less; `-` puts it on stdout instead of the table
    #[arg(long, value_name = "FILE|-", value_parser = values::output())]
    pub svg: Option<Output>,

    /// Write everything as JSON to a file that only you may read; `-` puts it on stdout instead
    /// of the table
    #[arg(long, value_name = "FILE|-", value_parser = values::output())]
    pub json: Option<Output>,
}

impl DiffArgs {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.before == Input::Stdin && self.after == Input::Stdin {
            return Err("only one of the two can come from stdin".to_owned());
        }
        distinct(&[
            ("--json", &self.json),
            ("--folded", &self.folded),
            ("--svg", &self.svg),
        ])
    }
}
