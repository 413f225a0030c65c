//! Says how fast slot tables are scanned beside how fast memory can be read, and
//! what a report on very many sites takes.
//!
//! ```text
//! $ cargo run --release -p pagetrace-tests --bin scan_bench -- --json
//! ```

use std::{
    hint::black_box,
    io::{self, Write, stdout},
    time::Instant,
};

use anyhow::{Context as _, Result};
use clap::Parser;
use fastrand::Rng;
use pagetrace::{analysis, model::Report};
use pagetrace_tests::scale::{Fill, Raw, Spent, SyntheticSites, Table, peak_bytes};
use serde::Serialize;

/// Measures the scan of slot tables and the report on very many sites
#[derive(Parser)]
struct Args {
    /// Write JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Hosts whose tables are scanned, in GiB of memory
    #[arg(long, value_delimiter = ',', default_value = "24,1024,4096")]
    hosts: Vec<u64>,
    /// How often each is measured, scans and plain reads in turns
    #[arg(long, default_value_t = 7)]
    runs: usize,
}

#[derive(Serialize)]
struct Results {
    scans: Vec<Speed>,
    synthetic_sites: SyntheticResult,
}

/// Medians for one table.
#[derive(Serialize)]
struct Speed {
    host_gib: u64,
    fill: String,
    scan_gb_per_second: f64,
    read_gb_per_second: f64,
    /// What part of the speed of a plain read the scan has.
    ratio: f64,
}

#[derive(Serialize)]
struct SyntheticResult {
    sites: u32,
    pages: usize,
    /// From the slots to a report.
    report_seconds: f64,
    /// The same and all outputs.
    total_seconds: f64,
    /// What it takes to read the JSON document again.
    read_seconds: f64,
    /// The most memory that the process had, without the slot table.
    peak_mb_beside_table: f64,
    spent: Spent,
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
            scans.push(speed(gib, fill, &table, args.runs)?);
        }
    }
    let results = Results {
        scans,
        synthetic_sites,
    };
    if args.json {
        let text = serde_json::to_string_pretty(&results)?;
        writeln!(stdout(), "{text}")?;
    } else {
        print(&results)?;
    }
    Ok(())
}

/// Without one run of pages anywhere, a large table takes long and tells nothing new.
fn fills(gib: u64) -> Vec<Fill> {
    let mut fills = vec![Fill::Empty, Fill::Sparse, Fill::Dense];
    fills.extend((gib <= 24).then_some(Fill::Mixed));
    fills
}

fn speed(host_gib: u64, fill: Fill, table: &Table, runs: usize) -> Result<Speed> {
    let (mut scans, mut reads) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        scans.push(rate(table, || {
            black_box(analysis::scan(table.slots(), &Raw));
        }));
        reads.push(rate(table, || {
            black_box(table.sum());
        }));
    }
    let scan_gb_per_second = median(scans)?;
    let read_gb_per_second = median(reads)?;
    Ok(Speed {
        host_gib,
        fill: format!("{fill:?}").to_lowercase(),
        scan_gb_per_second,
        read_gb_per_second,
        ratio: scan_gb_per_second / read_gb_per_second,
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

fn synthetic_sites() -> Result<SyntheticResult> {
    const SITES: u32 = 100_000;
    const PAGES: usize = 6_000_000;
    let mut synthetic = SyntheticSites::new(&mut Rng::with_seed(1), SITES, PAGES)?;
    let (report, spent) = synthetic.report(&mut io::sink())?;
    let outputs = ["summary", "table", "folded", "json"];
    let written = spent.steps().filter(|(step, _)| outputs.contains(step));
    let written: f64 = written.map(|(_, seconds)| seconds).sum();
    let beside_table = peak_bytes()?.saturating_sub(synthetic.table.bytes() as u64);
    Ok(SyntheticResult {
        read_seconds: read_back(&report)?,
        sites: SITES,
        pages: PAGES,
        report_seconds: spent.total() - written,
        total_seconds: spent.total(),
        peak_mb_beside_table: beside_table as f64 / 1e6,
        spent,
    })
}

/// How long it takes to read the report from the JSON that is written of it.
fn read_back(report: &Report) -> Result<f64> {
    let json = serde_json::to_vec(report)?;
    let start = Instant::now();
    black_box(Report::from_json(&json)?);
    Ok(start.elapsed().as_secs_f64())
}

fn print(results: &Results) -> io::Result<()> {
    let mut out = stdout().lock();
    writeln!(
        out,
        "  host GiB  table   scan GB/s  read GB/s  ratio (target 60 %)"
    )?;
    for it in &results.scans {
        let (scan, read, percent) = (
            it.scan_gb_per_second,
            it.read_gb_per_second,
            it.ratio * 100.,
        );
        let (gib, fill) = (it.host_gib, &it.fill);
        writeln!(
            out,
            "{gib:>10}  {fill:<6} {scan:>10.1} {read:>10.1} {percent:>5.0} %"
        )?;
    }
    let synthetic = &results.synthetic_sites;
    writeln!(
        out,
        "\n{} sites with {} pages:",
        synthetic.sites, synthetic.pages
    )?;
    let (report, total) = (synthetic.report_seconds, synthetic.total_seconds);
    writeln!(
        out,
        "  {report:.2} s to the report, {total:.2} s with all outputs (target 1 s)"
    )?;
    let peak = synthetic.peak_mb_beside_table;
    writeln!(
        out,
        "  {peak:.0} MB at most beside the slot table (target 300 MB)"
    )?;
    for (step, seconds) in synthetic.spent.steps() {
        writeln!(out, "  {step:<8} {seconds:>6.3} s")?;
    }
    writeln!(
        out,
        "  JSON of {} MB",
        synthetic.spent.json_bytes / 1_000_000
    )
}
