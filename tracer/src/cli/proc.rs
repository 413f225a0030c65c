//! The options of a look at processes.

use std::time::Duration;

use super::{Input, Output, values};
use crate::model::ProcessSort;

/// Which processes to look at, and how.
#[derive(clap::Args, Debug)]
#[command(max_term_width = 100)]
pub struct ProcArgs {
    /// Look at this process alone: its mappings, and what they hold
    #[arg(value_name = "PID", value_parser = clap::value_parser!(u32).range(1..))]
    pub pid: Option<u32>,

    /// Watch for so long how much anonymous memory, shmem and swap grow, and who is killed
    #[arg(short, long, value_name = "SECONDS", value_parser = values::interval)]
    pub interval: Option<Duration>,

    /// What to rank processes by; else growth where it is watched, and pss where it is not
    #[arg(long, value_name = "WHAT", value_parser = values::choice::<ProcessSort>(), conflicts_with = "pid")]
    pub sort: Option<ProcessSort>,

    /// How many processes, mappings or texts to show
    #[arg(long, value_name = "N", default_value_t = 12)]
    pub top: usize,

    /// Say what the mapping holds that grows, or is the largest: keys of JSON, frequent texts,
    /// zeros, entropy, from 8 MiB of its pages at most, in 2 seconds; the process goes on
    #[arg(long, requires = "pid", conflicts_with = "from")]
    pub peek: bool,

    /// Show values that look like secrets, too
    #[arg(long, requires = "peek")]
    pub raw: bool,

    /// Look at a snapshot instead of the running machine; `-` reads it from stdin
    #[arg(long, value_name = "FILE|-", value_parser = values::input(), conflicts_with = "interval")]
    pub from: Option<Input>,

    /// Write everything as JSON to a file that only you may read; `-` puts it on stdout instead
    /// of the table
    #[arg(long, value_name = "FILE|-", value_parser = values::output())]
    pub json: Option<Output>,

    /// Show every process with every column, and command lines in full
    #[arg(short, long)]
    pub verbose: bool,
}

impl ProcArgs {
    /// What processes are ranked by.
    pub fn sort(&self) -> ProcessSort {
        let usual = match self.interval {
            Some(_) => ProcessSort::Growth,
            None => ProcessSort::Pss,
        };
        self.sort.unwrap_or(usual)
    }
}
