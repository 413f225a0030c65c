//! The options that say how kernel addresses get their names.

use std::path::PathBuf;

/// How addresses get their names.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = super::tracer::HEADING)]
pub struct SymbolArgs {
    /// Uncompressed image of the running kernel, for files, lines and inlined functions
    #[arg(long, value_name = "PATH")]
    pub vmlinux: Option<PathBuf>,
}
