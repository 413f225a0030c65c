//! Who took pages, in a trace that tells takers apart.

use serde::{Deserialize, Serialize};

/// Whom a trace tells apart at one stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Takers {
    /// Processes.
    Process,
    /// Cgroups of version 2.
    Cgroup,
}

/// A cgroup of version 2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlGroup {
    /// Its id, which is the inode number of its folder.
    pub id: u64,
    /// Its path below the root of all cgroups that could be seen; none if it was not there when
    /// the window began, nor when it ended.
    pub path: Option<String>,
}
