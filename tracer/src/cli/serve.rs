//! The options of a service that records without end.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use super::{FilterArgs, SaveArgs, SymbolArgs, TracerArgs, values};

/// Where a service answers unless the user says otherwise.
pub const DEFAULT_SOCKET: &str = "/run/pagetrace.sock";

/// How to record without end, and where to answer.
#[derive(clap::Args, Debug)]
#[command(max_term_width = 100)]
pub struct ServeArgs {
    /// Where it answers `report --live` and `status`: a socket that only you may open
    #[arg(long, value_name = "PATH", default_value = DEFAULT_SOCKET)]
    pub socket: PathBuf,

    /// Where it answers Prometheus, at `/metrics`; by default nowhere
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,

    /// How often it looks at every page that is out and at whoever holds it, for its metrics
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = values::interval)]
    pub every: Duration,

    /// How many call sites its metrics tell apart; the rest is one more
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub top: u32,

    /// Say what is going on
    #[arg(short, long)]
    pub verbose: bool,

    /// What it saves by itself.
    #[command(flatten)]
    pub save: SaveArgs,

    /// What to record.
    #[command(flatten)]
    pub filters: FilterArgs,

    /// How addresses get their names.
    #[command(flatten)]
    pub symbols: SymbolArgs,

    /// How the kernel side works.
    #[command(flatten)]
    pub tracer: TracerArgs,
}
