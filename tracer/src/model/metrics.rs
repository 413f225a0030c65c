//! What a service tells a monitoring system: numbers that are alike on all machines and kernels.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Losses, Seconds};

/// The numbers of one machine. What could not be measured is none, and not zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    /// What no counter of the kernel accounts for, now. Below zero, counters overlap.
    pub unaccounted_bytes: Option<i64>,
    /// What the last look at every page says.
    pub look: Option<LookMetrics>,
    /// What was lost or not seen since recording began.
    pub losses: Losses,
    /// Pages taken since then, the freed ones included.
    pub taken_pages: u64,
    /// Pages that are out now.
    pub outstanding_bytes: u64,
    /// How long it has recorded.
    pub recording: Seconds,
    /// CPU time of this process.
    pub process_cpu: Option<Seconds>,
    /// Memory of this process.
    pub process_resident_bytes: Option<u64>,
    /// Kernel memory that the tables take.
    pub table_bytes: u64,
    /// Cases that were saved.
    pub saved_cases: u64,
}

/// What one look at every page says.
#[derive(Clone, Debug, PartialEq)]
pub struct LookMetrics {
    /// When.
    pub taken_at: Timestamp,
    /// How long it took.
    pub seconds: Seconds,
    /// What no counter accounts for and no holder was found of.
    pub unexplained_bytes: Option<i64>,
    /// The part of the unaccounted memory that has a holder: 0 to 1.
    pub explained_ratio: Option<f64>,
    /// What each kind of holder has; none if that could not be looked up.
    pub holder_bytes: Option<BTreeMap<String, u64>>,
    /// What each memory control group has, by its path, most first; none if that could not be looked up.
    pub cgroup_bytes: Option<Vec<(String, u64)>>,
    /// Call sites with pages that no counter shows, most first.
    pub sites: Vec<SiteMetrics>,
    /// How much all other call sites have.
    pub other_sites_bytes: u64,
}

/// One call site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteMetrics {
    /// What tells it from others: of its chain of functions, so that it is the same after a reboot and
    /// on other kernels, as long as these functions call each other.
    pub fingerprint: String,
    /// The function that asked for the pages.
    pub function: String,
    /// The module of it; none for the kernel proper.
    pub module: Option<String>,
    /// What it has.
    pub bytes: u64,
}
