//! The options that say in which form a report goes where.

use std::path::PathBuf;

use super::{Server, values};
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

    /// Write a flame graph, a picture by itself that zooms and searches in a browser, to a file that
    /// only you may read; `-` puts it on stdout instead of the table
    #[arg(long, value_name = "FILE|-", value_parser = values::output())]
    pub svg: Option<Output>,

    /// Write one page with all of it, for a browser and for paper, which asks no network for anything,
    /// to a file that only you may read; `-` puts it on stdout instead of the table
    #[arg(long, value_name = "FILE|-", value_parser = values::output())]
    pub html: Option<Output>,

    /// Write a profile for `go tool pprof` and whatever else reads that, to a file that only you may
    /// read; `-` puts it on stdout instead of the table
    #[arg(long, value_name = "FILE|-", value_parser = values::output())]
    pub pprof: Option<Output>,

    /// Write a profile for speedscope to a file that only you may read; `-` puts it on stdout instead
    /// of the table
    #[arg(long, value_name = "FILE|-", value_parser = values::output())]
    pub speedscope: Option<Output>,

    /// Write a profile for the Firefox Profiler to a file that only you may read; `-` puts it on stdout
    /// instead of the table
    #[arg(long, value_name = "FILE|-", value_parser = values::output())]
    pub firefox: Option<Output>,

    /// Send the profile to a Pyroscope as well: `http://HOST:4040`; `?name=NAME` at its end says under
    /// which name
    #[arg(long, value_name = "URL", value_parser = values::server)]
    pub push: Option<Server>,

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
        distinct(&self.forms())
    }

    /// Each form but the table, by its option, and where it goes.
    fn forms(&self) -> [(&'static str, &Option<Output>); 7] {
        [
            ("--json", &self.json),
            ("--folded", &self.folded),
            ("--svg", &self.svg),
            ("--html", &self.html),
            ("--pprof", &self.pprof),
            ("--speedscope", &self.speedscope),
            ("--firefox", &self.firefox),
        ]
    }

    /// Whether a form was asked for that only a trace has.
    pub fn needs_trace(&self) -> bool {
        let mut forms = self.forms().into_iter();
        self.push.is_some() || forms.any(|(option, output)| output.is_some() && option != "--html")
    }
}

/// Whether no two outputs, each with its option, go to one place; an error if some do.
pub(super) fn distinct(outputs: &[(&str, &Option<Output>)]) -> Result<(), String> {
    for (index, (option, output)) in outputs.iter().enumerate() {
        let mut others = outputs.iter().skip(index + 1);
        let same = others.find(|(_, other)| output.is_some() && other == output);
        if let Some((other, _)) = same {
            return Err(format!("{option} and {other} cannot go to the same place"));
        }
    }
    Ok(())
}
