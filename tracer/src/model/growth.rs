//! How memory changes between two balances.

use serde::{Deserialize, Serialize};

/// One kind of memory, then and now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Growth {
    /// What it is, in plain words.
    pub name: String,
    /// The kernel's own name.
    pub field: String,
    /// Its bytes then; none if there was no such line.
    pub before_bytes: Option<i64>,
    /// Its bytes now; none if there is no such line.
    pub after_bytes: Option<i64>,
}

impl Growth {
    /// By how many bytes it grew. A line that is missing on one side is all growth.
    pub fn bytes(&self) -> i64 {
        let [before, after] = [self.before_bytes, self.after_bytes].map(Option::unwrap_or_default);
        after.saturating_sub(before)
    }
}
