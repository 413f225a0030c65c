//! Hosts larger than this one: how fast their slot tables are scanned, and what a
//! report on very many sites takes.

use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::figure::{Figure, MEGABYTES, PERCENT, SECONDS};
use super::programs::Programs;
use crate::command;

/// What the program `scan_bench` measured.
#[derive(Deserialize)]
pub(super) struct Scale {
    scans: Vec<Scan>,
    synthetic_sites: SyntheticSites,
}

/// Of one table, medians of scans and plain reads in turns.
#[derive(Deserialize)]
struct Scan {
    host_gib: u64,
    fill: String,
    scan_gb_per_second: f64,
    read_gb_per_second: f64,
    ratio: f64,
}

#[derive(Deserialize)]
struct SyntheticSites {
    sites: u32,
    pages: usize,
    report_seconds: f64,
    total_seconds: f64,
    peak_mb_beside_table: f64,
}

impl Scale {
    /// Runs it, with so many scans of each table.
    pub(super) fn measure(runs: u32, programs: &Programs) -> Result<Self> {
        eprintln!("scale: {runs} scans of each table");
        let mut bench = Command::new(&programs.scan_bench);
        bench.args(["--json", "--runs", &runs.to_string()]);
        let json = command::output(&mut bench)?;
        serde_json::from_str(&json).context("scan_bench wrote something else than its JSON")
    }

    /// With their targets.
    pub(super) fn figures(&self) -> Vec<Figure> {
        let scans = self.scans.iter().filter_map(Scan::figure);
        scans.chain(self.synthetic_sites.figures()).collect()
    }
}

impl Scan {
    fn figure(&self) -> Option<Figure> {
        let name = format!(
            "scan of a {} GiB host's table, {}, of a plain read ({:.1} of {:.1} GB/s)",
            self.host_gib, self.fill, self.scan_gb_per_second, self.read_gb_per_second
        );
        let figure = Figure::new(name, PERCENT, [self.ratio * 100.0])?;
        // Each page of another site than its neighbour: no leak looks like that.
        let is_likely = self.fill != "mixed";
        Some(if is_likely {
            figure.at_least(60.0)
        } else {
            figure
        })
    }
}

impl SyntheticSites {
    fn figures(&self) -> impl Iterator<Item = Figure> {
        let of = format!("of {} sites and {} pages", self.sites, self.pages);
        let report = Figure::new(format!("report {of}"), SECONDS, [self.report_seconds]);
        let outputs = Figure::new(
            format!("report {of}, with all outputs"),
            SECONDS,
            [self.total_seconds],
        );
        let peak = [self.peak_mb_beside_table];
        let peak = Figure::new(format!("memory for a report {of}"), MEGABYTES, peak);
        let report = report.map(|it| it.at_most(1.0));
        let peak = peak.map(|it| it.at_most(300.0));
        [report, outputs, peak].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_no_leak_makes_has_no_target() {
        let json = r#"{
            "scans": [
                {"host_gib": 24, "fill": "dense", "scan_gb_per_second": 5.0, "read_gb_per_second": 10.0, "ratio": 0.5},
                {"host_gib": 24, "fill": "mixed", "scan_gb_per_second": 1.0, "read_gb_per_second": 10.0, "ratio": 0.1}
            ],
            "synthetic_sites": {"sites": 9, "pages": 99, "report_seconds": 0.5, "total_seconds": 1.5, "peak_mb_beside_table": 7}
        }"#;
        let scale: Scale = serde_json::from_str(json).expect("its JSON");
        let figures = scale.figures();
        let met: Vec<_> = figures.iter().map(Figure::is_met).collect();
        assert_eq!(met, [false, true, true, true, true]);
    }
}
