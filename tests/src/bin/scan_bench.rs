//! Says how fast slot tables are scanned beside how fast memory can be read, and
//! what a report on very many sites takes.
//!
//! ```text
//! $ cargo run --release -p pagetrace-tests --bin scan_bench -- --hosts 24
//! {"scans":[{"host_gib":24,"fill":"empty","scan_gb_per_second":24.9,...
//! ```

use std::{
    hint::black_box,
    io::{self, Write, stdout},
    time::Instant,
};

use anyhow::{Context as _, Result};
use clap::Parser;
use fastrand::Rng;
use pagetrace::analysis::{self, Marking};
use pagetrace_tests::{
    readings::{Scale, Scan, SitesReport},
    scale::{Fill, Raw, SyntheticSites, Table, peak_bytes},
};

/// Measures the scan of slot tables and the report on very many sites; prints JSON
#[derive(Parser)]
struct Args {
    /// Hosts whose tables are scanned, in GiB of memory
    #[arg(long, value_delimiter = ',', default_value = "24,1024,4096")]
    hosts: Vec<u64>,
    /// How often each is measured, scans and plain reads in turns
    #[arg(long, default_value_t = 7)]
    runs: usize,
}

fn main() -> Result<()> {
    let args = Args::parse();
    // First, while the peak is that of the report.
    let synthetic_sites = synthetic_sites()?;
    let mut scans = Vec::new();
    for &gib in &args.hosts {
        let table = Table::of_host(gib << 30)?;
        for fill in fills(gib) {
            table.fill(fill);
            scans.push(scan(gib, fill, &table, args.runs)?);
        }
    }
    let scale = Scale {
        scans,
        synthetic_sites,
    };
    writeln!(stdout(), "{}", serde_json::to_string(&scale)?)?;
    Ok(())
}

/// Without one run of pages anywhere, a large table takes long and tells nothing new.
fn fills(gib: u64) -> Vec<Fill> {
    let mut fills = vec![Fill::Empty, Fill::Sparse, Fill::Dense];
    fills.extend((gib <= 24).then_some(Fill::Mixed));
    fills
}

fn scan(host_gib: u64, fill: Fill, table: &Table, runs: usize) -> Result<Scan> {
    let (mut scans, mut reads) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        scans.push(rate(table, || {
            black_box(analysis::scan(
                &[(0, table.slots())],
                &Raw,
                Marking::HasEnded,
            ));
        }));
        reads.push(rate(table, || {
            black_box(table.sum());
        }));
    }
    Ok(Scan {
        host_gib,
        fill: format!("{fill:?}").to_lowercase(),
        scan_gb_per_second: median(scans)?,
        read_gb_per_second: median(reads)?,
    })
}

/// In GB/s.
fn rate(table: &Table, work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    table.bytes() as f64 / start.elapsed().as_secs_f64() / 1e9
}

fn median(mut values: Vec<f64>) -> Result<f64> {
    values.sort_by(f64::total_cmp);
    let median = values.get(values.len() / 2).copied();
    median.context("--runs must be 1 or more")
}

fn synthetic_sites() -> Result<SitesReport> {
    const SITES: u32 = 100_000;
    const PAGES: usize = 6_000_000;
    let mut synthetic = SyntheticSites::new(&mut Rng::with_seed(1), SITES, PAGES)?;
    let (report, steps) = synthetic.report(&mut io::sink())?;
    black_box(&report);
    let outputs = ["table", "folded", "json"];
    let written: f64 = outputs.iter().filter_map(|step| steps.get(*step)).sum();
    let total: f64 = steps.values().sum();
    let beside_table = peak_bytes()?.saturating_sub(synthetic.table.bytes() as u64);
    Ok(SitesReport {
        sites: SITES,
        pages: PAGES,
        report_seconds: total - written,
        total_seconds: total,
        peak_mb_beside_table: beside_table as f64 / 1e6,
        steps,
    })
}
