//! `docs/performance.md`, and what of it is printed.

use std::fmt::Write as _;

use comfy_table::{ContentArrangement, Table, presets};

use super::events::Watched;
use super::figure::{Figure, Spread};
use super::readings::{HostCensus, Scale};
use super::results::Results;
use super::rounds::Timed;

const HEAD: &str = include_str!("head.md");
const METHOD: &str = include_str!("method.md");
/// What was learned from missed targets. Written by hand: it says why, which no run does.
const FINDINGS: &str = include_str!("findings.md");

/// The whole document.
pub(super) fn document(results: &Results) -> String {
    let mut text = HEAD.to_owned();
    text += &body(results);
    text += FINDINGS;
    text += METHOD;
    let _ = write!(text, "\n```\nbpftrace -e '{}'\n```\n", super::peer::SCRIPT);
    text += "\nThe workloads, by one operation:\n\n";
    for workload in results.workloads {
        let _ = writeln!(text, "- {}: {}", workload.name, workload.operation);
    }
    text
}

/// Where, when, and the tables.
pub(super) fn body(results: &Results) -> String {
    let mut text = format!(
        "{}, {}. Medians of {} rounds, with the least and the most.\n",
        results.machine, results.date, results.runs
    );
    for remark in &results.peers {
        let _ = write!(text, "\n{remark}\n");
    }
    let events = results.events.iter().map(Watched::row);
    let figures = results.figures.0.iter().map(Figure::row);
    let missed = results.figures.missed();
    let _ = write!(text, "\n## Workloads\n\n{}", workloads(&results.rows));
    let _ = write!(text, "\n## Events\n\n{}", table(&Watched::HEADER, events));
    if let Some(scale) = &results.scale {
        let _ = write!(text, "\n## Larger hosts\n\n{}", larger_hosts(scale));
        let census = results.census.as_ref().map(census).unwrap_or_default();
        let _ = write!(text, "{census}");
    }
    let _ = write!(text, "\n## Targets\n\n{}", table(&Figure::HEADER, figures));
    let _ = write!(text, "\nTargets missed: {missed}.\n");
    text
}

/// A row for each load, a column for each variant; the others are compared with the first.
fn workloads(rows: &[Vec<Timed>]) -> String {
    let variants = rows.first().into_iter().flatten().map(|it| it.variant);
    let header: Vec<_> = ["workload"].into_iter().chain(variants).collect();
    table(&header, rows.iter().map(|row| cells(row)))
}

fn cells(row: &[Timed]) -> Vec<String> {
    let first = &row[0];
    let median = Spread::of(first.nanoseconds.iter().copied());
    let time = median.map(|it| format!("{:.0} ns", it.median));
    let others = row[1..].iter().map(|it| it.cell(first));
    let cells = [Some(first.load.name()), time].into_iter().chain(others);
    cells.map(Option::unwrap_or_default).collect()
}

fn larger_hosts(scale: &Scale) -> String {
    let rows = scale.scans.iter().map(|scan| {
        let rates = [scan.scan_gb_per_second, scan.read_gb_per_second];
        let names = [format!("{} GiB", scan.host_gib), scan.fill.clone()];
        let rates = rates.map(|rate| format!("{rate:.1} GB/s"));
        names.into_iter().chain(rates).collect()
    });
    let sites = &scale.synthetic_sites;
    let (report, total) = (sites.report_seconds, sites.total_seconds);
    format!(
        "{}\nA report of {} sites takes {report:.2} s, and {total:.2} s with all outputs.\n",
        table(&["host", "slot table", "scan", "plain read"], rows),
        sites.sites
    )
}

fn census(it: &HostCensus) -> String {
    let seconds = |nanoseconds: f64| nanoseconds * (it.host_gib << 18) as f64 / 1e9;
    let join = it.copy_nanoseconds + it.join_nanoseconds;
    format!(
        "\nA look at every page frame of {} GiB in use, joined with {} references, takes {join:.1} ns a page \
         ({:.1} s): {:.1} ns for the kernel's copy of its page struct, {:.1} ns to count what it is used \
         for, {:.1} ns for the join. It needs {:.0} MB, and {:.0} MB for the references.\n",
        it.host_gib,
        it.references,
        seconds(join),
        it.copy_nanoseconds,
        it.census_nanoseconds,
        it.join_nanoseconds - it.census_nanoseconds,
        it.peak_mb,
        it.references_mb,
    )
}

/// In Markdown, which can be read as it is.
fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::ASCII_MARKDOWN)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header.iter().copied());
    table.add_rows(rows);
    format!("{table}\n")
}

#[cfg(test)]
mod tests {
    use super::super::figure::Limit;
    use super::*;

    #[test]
    fn what_was_missed_or_skipped_is_said() {
        let mut results = Results::new(7).expect("this machine can be described");
        for (name, value) in [("start", 0.5), ("end", 2.5)] {
            results.figures.add(name, Limit::AtMost(1.0), "s", [value]);
        }
        results.peers.push("SKIPPED memleak: not there".to_owned());
        let text = document(&results);
        for line in [
            "# Performance",
            "SKIPPED memleak: not there",
            "Targets missed: 1.",
            "| start | 0.500 s  | <= 1 s | met     |",
            "| end   | 2.500 s  | <= 1 s | MISSED  |",
        ] {
            assert!(text.lines().any(|it| it == line), "no {line} in\n{text}");
        }
    }
}
