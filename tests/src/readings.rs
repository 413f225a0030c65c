//! What the helper programs of the bench print, as JSON. The bench compiles this file in.

use std::{
    collections::BTreeMap,
    ops::{Add, Sub},
};

use serde::{Deserialize, Serialize};

/// What the BPF programs of a process did while a command ran: of `bpf_stats`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Reading {
    /// Bytes that its maps take, by the names that the kernel keeps.
    pub maps: BTreeMap<String, u64>,
    /// How long the command ran.
    pub seconds: f64,
    /// Those programs that ran, by the names that the kernel keeps.
    pub programs: BTreeMap<String, Runs>,
    /// How pagetrace unwound stacks; none if the process is another.
    pub unwound: Option<Unwound>,
}

/// What the kernel counts while its statistics are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Runs {
    /// How often a program ran.
    pub runs: u64,
    /// How long it did, in nanoseconds.
    pub nanoseconds: u64,
}

/// How stacks were unwound: events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Unwound {
    /// By unwind rules.
    pub hits: u64,
    /// By the kernel.
    pub misses: u64,
}

impl Reading {
    /// Nanoseconds of an allocation, on average.
    pub fn allocation(&self) -> Option<f64> {
        self.mean("page_alloc")
    }

    /// Nanoseconds of a free, on average.
    pub fn free(&self) -> Option<f64> {
        self.mean("page_free")
    }

    /// Events in a second.
    pub fn rate(&self) -> Option<f64> {
        let runs: u64 = self.programs.values().map(|program| program.runs).sum();
        (self.seconds > 0.0).then(|| runs as f64 / self.seconds)
    }

    /// Of 100 stacks, how many were unwound by rules.
    pub fn hit_percent(&self) -> Option<f64> {
        let Unwound { hits, misses } = self.unwound?;
        let all = hits + misses;
        (all > 0).then(|| hits as f64 * 100.0 / all as f64)
    }

    /// Of the program whose name begins so: pagetrace has one for each kind of tracepoint.
    fn mean(&self, name: &str) -> Option<f64> {
        let mut programs = self.programs.iter();
        let (_, program) = programs.find(|(known, _)| known.starts_with(name))?;
        (program.runs > 0).then(|| program.nanoseconds as f64 / program.runs as f64)
    }
}

impl Sub for Runs {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            runs: self.runs - before.runs,
            nanoseconds: self.nanoseconds - before.nanoseconds,
        }
    }
}

impl Add for Unwound {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            hits: self.hits + other.hits,
            misses: self.misses + other.misses,
        }
    }
}

impl Sub for Unwound {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            hits: self.hits - before.hits,
            misses: self.misses - before.misses,
        }
    }
}

/// How fast slot tables are scanned, and what a report on very many sites takes: of
/// `scan_bench`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Scale {
    /// Each table of each host.
    pub scans: Vec<Scan>,
    /// The report.
    pub synthetic_sites: SitesReport,
}

/// Medians of one table.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Scan {
    /// How much memory the host has.
    pub host_gib: u64,
    /// Which of its slots are marked.
    pub fill: String,
    /// How fast it is scanned.
    pub scan_gb_per_second: f64,
    /// How fast it can be read at all.
    pub read_gb_per_second: f64,
}

/// A report on synthetic sites.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SitesReport {
    /// How many.
    pub sites: u32,
    /// On how many pages they have together.
    pub pages: usize,
    /// From the slots to a report.
    pub report_seconds: f64,
    /// The same and all outputs.
    pub total_seconds: f64,
    /// The most memory that the process had, without the slot table.
    pub peak_mb_beside_table: f64,
    /// Seconds of each step.
    pub steps: BTreeMap<String, f64>,
}

/// What a look at every page frame of a made-up host takes, and the join with references to them: of
/// `census_bench`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct HostCensus {
    /// How much memory the host has.
    pub host_gib: u64,
    /// Page frames of this machine whose page structs the host's are, again and again.
    pub sample_pages: u64,
    /// Nanoseconds a page, to have its page struct copied by the kernel.
    pub copy_nanoseconds: f64,
    /// Nanoseconds a page, to count what each is used for.
    pub census_nanoseconds: f64,
    /// The same, joined with references.
    pub join_nanoseconds: f64,
    /// How many references.
    pub references: usize,
    /// Megabytes of these.
    pub references_mb: f64,
    /// Megabytes of everything else, at most.
    pub peak_mb: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_gives_means() {
        let text = r#"{"maps":{},"seconds":0.5,"unwound":{"hits":3,"misses":1},"programs":{
            "page_alloc":{"runs":10,"nanoseconds":900},"page_free_trace":{"runs":5,"nanoseconds":100}}}"#;
        let reading: Reading = serde_json::from_str(text).expect("what bpf_stats prints");
        assert_eq!(reading.allocation(), Some(90.0));
        assert_eq!(reading.free(), Some(20.0));
        assert_eq!(reading.rate(), Some(30.0));
        assert_eq!(reading.hit_percent(), Some(75.0));
    }

    #[test]
    fn what_did_not_run_has_no_mean() {
        let reading = Reading::default();
        assert_eq!(reading.allocation(), None);
        assert_eq!(reading.hit_percent(), None);
    }
}
