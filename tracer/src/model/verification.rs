//! What came back of what a case promised.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Cause, Host, Tool};

/// A case and the machine as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// Its form.
    pub schema: VerificationSchema,
    /// What made it.
    pub tool: Tool,
    /// Where.
    pub host: Host,
    /// When the case was closed.
    pub case_at: Timestamp,
    /// When the machine was looked at again.
    pub taken_at: Timestamp,
    /// Kernel pages in no counter then, and now.
    pub no_counter_bytes: [i64; 2],
    /// Each finding that was more than information.
    pub checks: Vec<Check>,
}

/// A finding, then and now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// What it was about.
    pub cause: Cause,
    /// What the best remedy was to give back; none if none could tell.
    pub promised_bytes: Option<u64>,
    /// What it had.
    pub before_bytes: u64,
    /// What it has now; none if that cannot be told.
    pub now_bytes: Option<u64>,
}

impl Check {
    /// What came back; less than nothing if there is more of it now.
    pub fn returned_bytes(&self) -> Option<i64> {
        let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        Some(signed(self.before_bytes).saturating_sub(signed(self.now_bytes?)))
    }

    /// Whether what was promised came back, up to a tenth; without a promise, whether half of it did.
    /// None if that cannot be told.
    pub fn is_kept(&self) -> Option<bool> {
        let promised = self.promised_bytes.unwrap_or(self.before_bytes / 2);
        let least = i64::try_from(promised / 10 * 9).unwrap_or(i64::MAX);
        Some(self.returned_bytes()? >= least)
    }
}

/// The form of what `pagetrace doctor --verify --json` writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum VerificationSchema {
    /// This one.
    #[default]
    #[serde(rename = "pagetrace.verification/1")]
    V1,
}
