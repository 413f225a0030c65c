//! The command line: what was typed, and whether it can be meant. The only room that knows clap.
//!
//! One file per verb; groups of options that verbs share have a file each.

mod diff;
mod doctor;
mod filters;
mod holders;
mod mem;
mod output;
mod pages;
mod proc;
mod ranking;
mod report;
mod save;
mod serve;
mod server;
mod service;
mod shm;
mod snapshot;
mod sock;
mod symbols;
mod top;
mod trace;
mod tracer;
mod values;
mod window;

pub use diff::DiffArgs;
pub use doctor::DoctorArgs;
pub use filters::{FilterArgs, GfpFlag};
pub use holders::{Baseline, HoldersArgs};
pub use mem::MemArgs;
pub use output::{Output, OutputArgs};
pub use pages::PagesArgs;
pub use proc::ProcArgs;
pub use ranking::RankingArgs;
pub use report::{Input, ReportArgs, Source};
pub use save::SaveArgs;
pub use serve::{DEFAULT_SOCKET, ServeArgs};
pub use server::Server;
pub use service::ServiceArgs;
pub use shm::ShmArgs;
pub use snapshot::SnapshotArgs;
pub use sock::SockArgs;
pub use symbols::SymbolArgs;
pub use top::TopArgs;
pub use trace::TraceArgs;
pub use tracer::{DEFAULT_CHECK_EVERY, DEFAULT_MAX_SITES, HookChoice, TracerArgs};
pub use window::{Window, WindowArgs};

use std::ffi::OsString;

use clap::{CommandFactory as _, Parser, Subcommand, error::ErrorKind};

const TEMPLATE: &str = "\
{name} {version}: {about}

{before-help}{usage-heading} {usage}

{all-args}{after-help}";

const EXAMPLES: &str = "\
Examples:
  pagetrace doctor                        what takes the memory, who holds it, what to do
  pagetrace -i 600                        who took pages in ten minutes and kept them
  pagetrace -i 60 --svg leak.svg          the same as a flame graph
  pagetrace report leak.json --html leak.html
                                          a saved report as one page
  pagetrace -i 600 --json leak.json       every site, for a program to read
  pagetrace report leak.json --sort growth
                                          another look at a report that was saved
  pagetrace serve                         record without end; then, whenever memory is gone:
  pagetrace report --live --since 2h      who took pages in the last two hours and has them still
  pagetrace top                           the same as it happens, on the whole screen
  pagetrace -i 600 --min-age 300          only pages that are five minutes old
  pagetrace -i 60 --kind all --order 2..  every kind of page, in blocks of four and more
  pagetrace -- modprobe mydriver          what one command leaves behind
  pagetrace mem                           where all of memory went, in one tree
  pagetrace pages                         what every page frame is, beside the counters
  pagetrace holders                       who holds what no counter shows, and what closing frees
  pagetrace sock                          what the queues of every socket hold
  pagetrace shm                           what holds shared memory: tmpfs, memfds, segments
  pagetrace proc -i 10                    which processes grow, and who is killed for memory
  pagetrace proc 4711 --peek              what the memory of a process holds
  pagetrace check                         what this kernel and this user can do";

const ENDS: &str = "\
Ctrl-C, SIGTERM and SIGHUP end the window early; a second Ctrl-C or SIGTERM aborts.

Exit codes:
  0  the report is written
  1  pagetrace could not trace or write
  2  the command line makes no sense
  Of doctor: 0 nothing is wrong, 10 something is suspicious, 20 memory leaks
  With -- CMD, that of CMD (128 and the signal that ended it), or 0 if CMD goes on.";

/// Finds who took the kernel pages that no counter shows.
#[derive(Debug, Parser)]
#[command(
    name = "pagetrace",
    version,
    about = "finds who took the kernel pages that no counter shows",
    before_help = EXAMPLES,
    after_help = ENDS,
    help_template = TEMPLATE,
    override_usage = "pagetrace [trace] -i SECONDS [OPTIONS]\n       \
                      pagetrace [trace] [-i SECONDS] [OPTIONS] -- CMD [ARGS]...\n       \
                      pagetrace doctor [-i SECONDS] [OPTIONS]\n       \
                      pagetrace report FILE|--live [OPTIONS]\n       \
                      pagetrace serve [OPTIONS]\n       \
                      pagetrace top [OPTIONS]\n       \
                      pagetrace mem [OPTIONS]\n       \
                      pagetrace pages [OPTIONS]\n       \
                      pagetrace holders [OPTIONS]\n       \
                      pagetrace sock [OPTIONS]\n       \
                      pagetrace shm [OPTIONS]\n       \
                      pagetrace proc [PID] [OPTIONS]\n       \
                      pagetrace snapshot -o FILE\n       \
                      pagetrace diff A B [OPTIONS]\n       \
                      pagetrace check",
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
struct Args {
    /// What to do, if not to trace.
    #[command(subcommand)]
    command: Option<Command>,

    /// How to trace, where no verb is given.
    #[command(flatten)]
    trace: TraceArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Trace, as without a verb
    Trace(Box<TraceArgs>),
    /// Say what takes the memory, who holds it, and what would give it back: looks, traces for a
    /// minute, and looks again
    Doctor(DoctorArgs),
    /// Show a report that `--json` has saved, with any options of ranking and output
    Report(Box<ReportArgs>),
    /// Record without end, and answer `report --live` and Prometheus meanwhile
    Serve(Box<ServeArgs>),
    /// Show who takes pages and who has them as it happens, on the whole screen; `--replay` shows it again
    Top(TopArgs),
    /// Say where the machine's memory went, and what no counter shows
    Mem(MemArgs),
    /// Say what every page frame is used for, beside the kernel's counters
    Pages(PagesArgs),
    /// Say who holds the page frames that no counter explains, and what is free once they let go
    Holders(HoldersArgs),
    /// Say what the queues of every socket hold, in all network namespaces
    Sock(SockArgs),
    /// Say what holds shared memory: file systems in memory, deleted files, memfds, segments
    Shm(ShmArgs),
    /// Say which processes have the memory, which grow, and what one of them holds
    Proc(ProcArgs),
    /// Keep what is known of the machine's memory in a file, for `--from` and `diff`
    Snapshot(SnapshotArgs),
    /// Say what differs between two snapshots, or between two traces
    Diff(DiffArgs),
    /// Say what this kernel and this user can do, and the remedy for what they cannot
    Check,
}

impl Command {
    /// Reads the command line and finds what clap cannot: options that contradict each other.
    pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let Args { command, trace } = Args::try_parse_from(args)?;
        let command = command.unwrap_or_else(|| Self::Trace(Box::new(trace)));
        command.check().map_err(usage_error)?;
        Ok(command)
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::Trace(args) => args.check(),
            Self::Doctor(args) => args.check(),
            Self::Report(args) => args.output.check(),
            Self::Diff(args) => args.check(),
            Self::Serve(_)
            | Self::Top(_)
            | Self::Mem(_)
            | Self::Pages(_)
            | Self::Holders(_)
            | Self::Sock(_)
            | Self::Shm(_)
            | Self::Proc(_)
            | Self::Snapshot(_)
            | Self::Check => Ok(()),
        }
    }
}

/// All that can be typed, for manual pages and shells.
pub fn definition() -> clap::Command {
    Args::command()
}

fn usage_error(message: String) -> clap::Error {
    definition().error(ErrorKind::ArgumentConflict, message)
}

#[cfg(test)]
mod tests;
