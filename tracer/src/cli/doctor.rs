//! The options of one command from "memory is missing" to the culprit.

use std::time::Duration;

use super::{Input, Output, ServiceArgs, TraceArgs, output::distinct, values};

/// How long to look, at what, and where the case goes.
#[derive(clap::Args, Debug)]
#[command(max_term_width = 100)]
pub struct DoctorArgs {
    /// How long to watch what grows: 1 s to 7 days
    #[arg(short, long, value_name = "SECONDS", default_value = "60", value_parser = values::interval)]
    pub interval: Duration,

    /// Compare with this snapshot, of another machine or another time; `-` reads it from stdin
    #[arg(long, value_name = "FILE|-", value_parser = values::input())]
    pub against: Option<Input>,

    /// Look at the machine of a case again, and say what came back of what was promised
    #[arg(long, value_name = "CASE", value_parser = values::input())]
    #[arg(conflicts_with_all = ["interval", "against", "save", "redact"])]
    pub verify: Option<Input>,

    /// Keep the case, with all that it follows from, in a file that only you may read, compressed JSON;
    /// for `--verify` and `pagetrace report`
    #[arg(long, value_name = "FILE|-", value_parser = values::output())]
    pub save: Option<Output>,

    /// Leave out what should not leave the house: IP addresses, arguments of command lines, contents of
    /// memory
    #[arg(long)]
    pub redact: bool,

    /// Print one line, and exit as monitoring plugins do: 0 nothing found, 1 suspicious, 2 leak, 3
    /// unknown
    #[arg(long, conflicts_with_all = ["json", "verify"])]
    pub nagios: bool,

    /// Who records already.
    #[command(flatten)]
    pub service: ServiceArgs,

    /// How many findings to show in full; else two, which fit on a screen
    #[arg(long, value_name = "N")]
    pub top: Option<usize>,

    /// Write one page with all of it, for a browser and for paper, which asks no network for anything,
    /// to a file that only you may read; `-` puts it on stdout instead of the text
    #[arg(long, value_name = "FILE|-", value_parser = values::output(), conflicts_with = "verify")]
    pub html: Option<Output>,

    /// Write the case as JSON to a file that only you may read; `-` puts it on stdout instead of the
    /// text
    #[arg(long, value_name = "FILE|-", value_parser = values::output())]
    pub json: Option<Output>,

    /// Show every finding, those of information as well
    #[arg(short, long)]
    pub verbose: bool,
}

impl DoctorArgs {
    pub(super) fn check(&self) -> Result<(), String> {
        distinct(&[
            ("--json", &self.json),
            ("--save", &self.save),
            ("--html", &self.html),
        ])
    }

    /// How it traces: as `pagetrace -i` does.
    pub fn trace(&self) -> Result<TraceArgs, clap::Error> {
        TraceArgs::lasting(self.interval)
    }
}
