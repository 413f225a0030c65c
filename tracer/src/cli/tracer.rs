//! The options that say how the kernel side works.

use super::values;

/// Where these options are in the help.
pub(super) const HEADING: &str = "How to trace";

/// Call sites the kernel side can tell apart unless the user says otherwise. A
/// kernel has a few hundred to a few thousand.
pub const DEFAULT_MAX_SITES: u32 = 16_384;

/// How many hits of unwind rules are believed for one that is checked, unless the user says
/// otherwise.
pub const DEFAULT_CHECK_EVERY: u64 = 1024;

/// How the kernel side works.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = HEADING)]
pub struct TracerArgs {
    /// How many call sites the kernel side can tell apart; each takes 1 KiB
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_SITES, value_parser = clap::value_parser!(u32).range(1..=values::MAX_SITES))]
    pub max_sites: u32,

    /// Kind of tracepoint to sit on: `tracefs` is slower and can lose frees, `auto` uses it only
    /// where `raw` cannot work
    #[arg(long, value_enum, default_value_t)]
    pub hook: HookChoice,

    /// Of so many stacks that pagetrace unwinds by its own rules, have the kernel unwind one too
    /// and compare
    #[arg(long, value_name = "N", default_value_t = DEFAULT_CHECK_EVERY, value_parser = clap::value_parser!(u64).range(1..))]
    check_every: u64,

    /// Do not look up who has the pages at the end of the window, which takes about as long as to look at
    /// every page frame
    #[arg(long)]
    pub no_holders: bool,

    /// Have the kernel unwind every stack: many times slower, and the same report
    #[arg(long, conflicts_with = "check_every")]
    no_cache: bool,
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

impl TracerArgs {
    /// How many hits of unwind rules are believed for one that is checked; none to use no rules.
    pub fn check_every(&self) -> Option<u64> {
        (!self.no_cache).then_some(self.check_every)
    }
}
