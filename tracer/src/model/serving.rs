//! What a service says of itself.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Host, Limitation, Scope, Seconds, Tool};

/// A service that records, and what its recording costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// Its form.
    pub schema: StatusSchema,
    /// What runs.
    pub tool: Tool,
    /// Where.
    pub host: Host,
    /// Its process id.
    pub pid: u32,
    /// Since when it records. What was taken before is in none of its reports.
    pub started: Timestamp,
    /// How long it has recorded.
    pub seconds: Seconds,
    /// What it records.
    pub scope: Scope,
    /// The options that narrow that down, as they can be typed.
    pub filters: Vec<String>,
    /// Pages that are out now, as counted.
    pub outstanding_pages: u64,
    /// How many call sites it knows, and how many it has room for.
    pub sites: u32,
    /// How many call sites it has room for.
    pub max_sites: u32,
    /// How many ids of call sites were used again.
    pub reused_sites: u64,
    /// CPU time that the process has taken.
    pub process_cpu_seconds: Option<Seconds>,
    /// What this kernel or this user cannot do.
    pub limitations: Vec<Limitation>,
}

/// Name and version of the form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum StatusSchema {
    /// The only one.
    #[default]
    #[serde(rename = "pagetrace.status/1")]
    V1,
}
