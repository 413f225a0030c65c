//! The options, as clap reads them.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand, error::ErrorKind};

use super::{
    FilterArgs,
    values::{self, Output, Window},
};
use crate::model::{KindChoice, SortKey};

/// Call sites the kernel side can tell apart unless the user says otherwise. A
/// kernel has a few hundred to a few thousand.
pub const DEFAULT_MAX_SITES: u32 = 16_384;

/// How many hits of templates are believed for one that is checked, unless the user says otherwise.
pub const DEFAULT_CHECK_EVERY: u64 = 1024;

const TEMPLATE: &str = "\
{name} {version}: {about}

Examples:
  pagetrace -i 600                        who took pages in ten minutes and kept them
  pagetrace -i 60 --folded - | flamegraph.pl > leak.svg
                                          the same as a flame graph
  pagetrace -i 600 --json leak.json       every site, for a program to read
  pagetrace -i 600 --min-age 300          only pages that are five minutes old
  pagetrace -i 60 --kind all --order 2..  every kind of page, in blocks of four and more
  pagetrace -- modprobe mydriver          what one command leaves behind
  pagetrace check                         what this kernel and this user can do

{usage-heading} {usage}

{all-args}

Ctrl-C, SIGTERM and SIGHUP end the window early; a second Ctrl-C or SIGTERM aborts.

Exit codes:
  0  the report is written
  1  pagetrace could not trace or write
  2  the command line makes no sense
  With -- CMD, that of CMD (128 and the signal that ended it), or 0 if CMD goes on.";

/// Finds who took the kernel pages that no counter shows.
#[derive(Debug, Parser)]
#[command(
    name = "pagetrace",
    version,
    about = "finds who took the kernel pages that no counter shows",
    help_template = TEMPLATE,
    override_usage = "pagetrace -i SECONDS [OPTIONS]\n       \
                      pagetrace [-i SECONDS] [OPTIONS] -- CMD [ARGS]...\n       \
                      pagetrace check",
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Args {
    /// What to do, if not to trace.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// How to trace.
    #[command(flatten)]
    pub trace: TraceArgs,
}

/// The subcommands.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Command {
    /// Say what this kernel and this user can do, and the remedy for what they cannot
    Check,
}

/// The options of a trace.
#[derive(clap::Args, Debug)]
pub struct TraceArgs {
    /// Length of the window: 1 s to 7 days
    #[arg(short, long, value_name = "SECONDS", value_parser = values::interval)]
    interval: Option<Duration>,

    /// How many sites the table shows
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,

    /// Leave out pages younger than this at the end of the window
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = values::seconds)]
    pub min_age: Duration,

    /// Last part of the window in which only frees are watched, so that every page in the report
    /// is at least that old
    #[arg(long, value_name = "PERCENT", default_value_t = 20, value_parser = clap::value_parser!(u8).range(0..=99))]
    drain: u8,

    /// What to record.
    #[command(flatten)]
    pub filters: FilterArgs,

    /// What to rank the sites by; growth is what goes on throughout the window
    #[arg(long, value_name = "KEY", default_value = "bytes", value_parser = values::choice::<SortKey>())]
    pub sort: SortKey,

    /// Rank only call sites with a function of this module in their stack
    #[arg(long, value_name = "NAME")]
    pub module: Option<String>,

    /// Which kinds of pages to rank, separated by commas; all kinds are in the JSON report
    #[arg(
        long,
        value_name = "KIND",
        value_parser = values::choice::<KindChoice>(),
        value_delimiter = ',',
        default_value = "unaccounted"
    )]
    pub kind: Vec<KindChoice>,

    /// Write folded stacks, root first, with bytes, to a file that only you may read; `-` puts them on
    /// stdout instead of the table
    #[arg(long, value_name = "FILE|-", value_parser = values::output())]
    pub folded: Option<Output>,

    /// Write the whole report as JSON to a file that only you may read; `-` puts it on stdout instead
    /// of the table
    #[arg(long, value_name = "FILE|-", value_parser = values::output())]
    pub json: Option<Output>,

    /// Uncompressed image of the running kernel, for files, lines and inlined functions
    #[arg(long, value_name = "PATH")]
    pub vmlinux: Option<PathBuf>,

    /// How many call sites the kernel side can tell apart; each takes 1 KiB
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_SITES, value_parser = clap::value_parser!(u32).range(1..=values::MAX_SITES))]
    pub max_sites: u32,

    /// Kind of tracepoint to sit on: `tracefs` is slower and can lose frees, `auto` uses it only
    /// where `raw` cannot work
    #[arg(long, value_enum, default_value_t)]
    pub hook: HookChoice,

    /// Of so many stacks that pagetrace unwinds by its own templates, have the kernel unwind one too
    /// and compare
    #[arg(long, value_name = "N", default_value_t = DEFAULT_CHECK_EVERY, value_parser = clap::value_parser!(u64).range(1..))]
    check_every: u64,

    /// Have the kernel unwind every stack: many times slower, and the same report
    #[arg(long, conflicts_with = "check_every")]
    no_cache: bool,

    /// Say what is going on, and pass on messages from the kernel side
    #[arg(short, long)]
    pub verbose: bool,

    /// Trace while this command runs, and no longer than `-i` if given
    #[arg(last = true, value_name = "CMD")]
    pub cmd: Vec<OsString>,
}

/// Which kind of tracepoint the user wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum HookChoice {
    /// Raw where possible.
    #[default]
    Auto,
    /// Raw, or nothing.
    Raw,
    /// By tracefs.
    #[value(alias = "classic")]
    Tracefs,
}

impl Args {
    /// Reads the command line and finds what clap cannot: options that
    /// contradict each other.
    pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let args = Self::try_parse_from(args)?;
        if args.command.is_none() {
            args.trace.check().map_err(usage_error)?;
        }
        Ok(args)
    }
}

impl TraceArgs {
    /// When to stop recording, and when to stop.
    pub fn window(&self) -> Window {
        Window::new(self.interval, self.drain)
    }

    /// How many hits of templates are believed for one that is checked; none to use no templates.
    pub fn check_every(&self) -> Option<u64> {
        (!self.no_cache).then_some(self.check_every)
    }

    fn check(&self) -> Result<(), String> {
        if self.interval.is_none() && self.cmd.is_empty() {
            return Err("say how long to trace (-i SECONDS) or what to run (-- CMD)".to_owned());
        }
        if let Some(interval) = self.interval.filter(|&interval| self.min_age >= interval) {
            let (age, interval) = (self.min_age.as_secs(), interval.as_secs());
            return Err(format!(
                "no page can be {age} s old in a window of {interval} s"
            ));
        }
        if self.json.is_some() && self.json == self.folded {
            return Err("--json and --folded cannot go to the same place".to_owned());
        }
        if self.cmd.first().is_some_and(|program| program.is_empty()) {
            return Err("the command has no name".to_owned());
        }
        Ok(())
    }
}

fn usage_error(message: String) -> clap::Error {
    let mut command = <Args as clap::CommandFactory>::command();
    command.error(ErrorKind::ArgumentConflict, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Args, String> {
        let words = std::iter::once("pagetrace").chain(line.split_whitespace());
        Args::read(words.map(OsString::from)).map_err(|error| error.to_string())
    }

    #[test]
    fn the_definition_is_sound() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn what_makes_sense_is_taken() {
        for line in [
            "-i 600",
            "-i 1 --drain 0",
            "-- true",
            "-i 5 -- sleep 9",
            "check",
            "-i 2 --json -",
        ] {
            assert!(read(line).is_ok(), "{line}");
        }
    }

    #[test]
    fn what_does_not_is_refused_with_a_reason() {
        for (line, reason) in [
            ("", "say how long"),
            ("-i 0", "at least 1"),
            ("-i abc", "whole number"),
            ("-i 999999999", "at most 604800"),
            ("-i 9 --drain 100", "0..=99"),
            ("-i 9 --min-age 9", "no page can be 9 s old"),
            ("-i 9 --json - --folded -", "the same place"),
            ("-i 9 --json x --folded x", "the same place"),
            ("-i 9 --sort size", "bytes, pages, growth"),
            ("-i 9 --max-sites 0", "1..="),
            ("check -i 9", "unexpected argument"),
        ] {
            let error = read(line).expect_err(line);
            assert!(error.contains(reason), "{line}: {error}");
        }
    }

    #[test]
    fn help_begins_with_examples() {
        let help = read("--help").expect_err("help is not a trace");
        let lines: Vec<_> = help.lines().collect();
        assert_eq!(lines[2], "Examples:");
        insta::assert_snapshot!("help", help.replace(env!("CARGO_PKG_VERSION"), "[version]"));
    }
}
