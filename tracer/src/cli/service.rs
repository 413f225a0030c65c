//! Where a service may answer that records already.

use std::path::PathBuf;

use super::DEFAULT_SOCKET;

/// Where a service may answer.
#[derive(clap::Args, Debug)]
pub struct ServiceArgs {
    /// Where a service may answer that records already (`pagetrace serve`): what it knows is used
    #[arg(long, value_name = "PATH", default_value = DEFAULT_SOCKET)]
    pub socket: PathBuf,
}
