//! The window that was watched.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Choice, Seconds, Takers};

/// Which allocations are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// All but user memory (anonymous, page cache, shmem), which other counters show as long as
    /// it is mapped or belongs to a file.
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
                "All but user memory (anonymous, page cache, shmem), which other counters show unless \
                 it is pinned without a mapping"
            }
            Self::All => "Every page",
        }
    }
}

/// The time that was watched: first allocations and frees, then, in the drain, frees only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// When recording began.
    pub started: Timestamp,
    /// How long allocations were recorded.
    pub record_seconds: Seconds,
    /// How long only frees were watched, after that.
    pub drain_seconds: Seconds,
    /// When each epoch of the recording began, as time since the window did. An epoch ends where
    /// the next begins.
    pub epochs: Vec<Seconds>,
    /// How long it had been recorded before the window began: counts of allocations and losses are of
    /// that time, too. None where recording began with the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_before_seconds: Option<Seconds>,
    /// What was recorded.
    pub scope: Scope,
    /// The options that narrowed the scope down, as they can be typed.
    pub filters: Vec<String>,
    /// Whom sites with the same stack are told apart by; none if by nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takers: Option<Takers>,
}

impl Window {
    /// How long allocations were recorded.
    pub const fn record(&self) -> Duration {
        self.record_seconds.duration()
    }

    /// How long only frees were watched, after that.
    pub const fn drain(&self) -> Duration {
        self.drain_seconds.duration()
    }

    /// How long events and allocations have been counted.
    pub fn counted(&self) -> Duration {
        let before = self.recorded_before_seconds.map(Seconds::duration);
        self.length().saturating_add(before.unwrap_or_default())
    }

    /// Its length: the recording and the drain.
    pub const fn length(&self) -> Duration {
        self.record().saturating_add(self.drain())
    }
}
