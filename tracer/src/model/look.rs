//! What is seen of a machine at one moment while it is watched.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Balance, Process, Report};

/// All that `pagetrace top` knows at one moment: a line of what it records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Its form.
    pub schema: LookSchema,
    /// When.
    pub taken_at: Timestamp,
    /// Where the report is from.
    pub source: LookSource,
    /// What was taken and is out, and who has it.
    pub report: Report,
    /// Where all of memory went; none if the counters could not be read.
    pub balance: Option<Balance>,
    /// The largest processes, and those that hold pages of the report; none if they could not be read.
    pub processes: Option<Vec<Process>>,
}

/// Where the report of a look is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LookSource {
    /// A service that records without end.
    Service,
    /// A trace that began with the first look.
    OwnTrace,
    /// A report that was saved.
    Saved,
}

/// The form of looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LookSchema {
    /// This one.
    #[default]
    #[serde(rename = "pagetrace.look/1")]
    V1,
}
