//! The window that was watched, and the ages of pages at its end.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Choice;

/// Which allocations are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// All but movable pages (anonymous memory, page cache, shmem), which other counters show.
    #[default]
    Kernel,
    /// Every page.
    All,
}

impl Choice for Scope {
    const ALL: &'static [Self] = &[Self::Kernel, Self::All];

    fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::All => "all",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Kernel => {
                "All but movable pages (anonymous memory, page cache, shmem), which other counters \
                 show"
            }
            Self::All => "Every page",
        }
    }
}

/// The time that was watched.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Window {
    /// When recording began.
    pub started: Timestamp,
    /// Length of the window, in seconds.
    pub seconds: f64,
    /// How much of it allocations were recorded, in seconds.
    pub record_seconds: f64,
    /// How much of it only frees were watched, in seconds.
    pub drain_seconds: f64,
    /// What was recorded.
    pub scope: Scope,
    /// The options that narrowed the scope down, as they can be typed.
    pub filters: Vec<String>,
}

/// Unfreed pages of one range of ages at the end of the window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgeBucket {
    /// The youngest age in the range, in seconds.
    pub from_seconds: f64,
    /// The oldest age in the range, in seconds.
    pub to_seconds: f64,
    /// Pages of that age.
    pub pages: u64,
}
