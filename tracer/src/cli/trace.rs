//! The options of a trace.

use std::{ffi::OsString, time::Duration};

use clap::Parser;

use super::{FilterArgs, OutputArgs, RankingArgs, SymbolArgs, TracerArgs, Window, WindowArgs};

/// How to trace.
#[derive(clap::Args, Debug)]
pub struct TraceArgs {
    /// How long.
    #[command(flatten)]
    window: WindowArgs,

    /// What to record.
    #[command(flatten)]
    pub filters: FilterArgs,

    /// What to rank, and how.
    #[command(flatten)]
    pub ranking: RankingArgs,

    /// Where it goes.
    #[command(flatten)]
    pub output: OutputArgs,

    /// How addresses get their names.
    #[command(flatten)]
    pub symbols: SymbolArgs,

    /// How the kernel side works.
    #[command(flatten)]
    pub tracer: TracerArgs,

    /// Trace while this command runs, and no longer than `-i` if given
    #[arg(last = true, value_name = "CMD", help_heading = None)]
    pub cmd: Vec<OsString>,
}

/// The options by themselves.
#[derive(Parser)]
struct Alone {
    #[command(flatten)]
    trace: TraceArgs,
}

impl TraceArgs {
    /// A trace of this length, with everything as it is unless somebody says otherwise.
    pub(super) fn lasting(interval: Duration) -> Result<Self, clap::Error> {
        let seconds = interval.as_secs().to_string();
        Alone::try_parse_from(["pagetrace", "--interval", &seconds]).map(|it| it.trace)
    }

    /// When to stop recording, and when to stop.
    pub fn window(&self) -> Window {
        self.window.window()
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let (interval, min_age) = (self.window.interval, self.ranking.min_age);
        if interval.is_none() && self.cmd.is_empty() {
            return Err("say how long to trace (-i SECONDS) or what to run (-- CMD)".to_owned());
        }
        if let Some(interval) = interval.filter(|&interval| min_age >= interval) {
            let (age, interval) = (min_age.as_secs(), interval.as_secs());
            return Err(format!(
                "no page can be {age} s old in a window of {interval} s"
            ));
        }
        if self.cmd.first().is_some_and(|program| program.is_empty()) {
            return Err("the command has no name".to_owned());
        }
        self.output.check()
    }
}
