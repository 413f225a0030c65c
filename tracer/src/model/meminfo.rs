//! The kernel's own counters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The lines of `/proc/meminfo` that are in kB, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meminfo {
    /// When recording began.
    pub started: BTreeMap<String, u64>,
    /// When the window ended.
    pub ended: BTreeMap<String, u64>,
}

impl Meminfo {
    /// By how many bytes a line grew; none if it shrank or is missing.
    pub fn growth(&self, name: &str) -> Option<u64> {
        self.ended.get(name)?.checked_sub(*self.started.get(name)?)
    }
}
