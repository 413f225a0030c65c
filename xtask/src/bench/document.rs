//! `docs/performance.md`, and what of it is printed.

use std::fmt::Write as _;

use comfy_table::{ContentArrangement, Table, presets};

use super::comparison::Comparison;
use super::events::Costs;
use super::figure::Figure;
use super::results::Results;

const HEAD: &str = "\
# Performance

Written by `cargo xtask bench --write`, from its last run; the findings come from
`xtask/src/bench/findings.md`. To be changed by running that, not by hand: on a machine that does
nothing else meanwhile, as root. Trust the ratios; the rest is one machine's.

";

const METHOD: &str = "
## Method

- Rounds: each workload is run under each variant, one after the other and always in the same order;
  then the next round. A ratio is that of two runs of one round, a run under a variant and the
  untraced one, and the table has the median of these ratios, their range, and the median of what
  was added to one operation. Each run is a process of its own that warms up with a tenth of its
  operations before it looks at the clock; a tracer is attached once a round, for all workloads.
- The time of an operation is what one thread sees: that of the slowest thread, divided by the
  operations of one. On several CPUs all threads do the same, each on its own.
- The peers trace as much as they can be told to leave out: memleak without `-p`, which has the slab
  allocators' events as well; bpftrace with the script below, all pages and 32 frames; perf with
  stacks, to a file that is deleted. They get file systems of tracing mounted for themselves, and
  count as attached when they hold events or links and for half a second no further ones.
- Added, of what a peer adds: of the peer that adds least to that workload, round by round.
- Events: run time and runs of the BPF programs, as the kernel counts them
  (`BPF_ENABLE_STATS`), in runs of their own, after a second of the same workload. That counting is in
  all of these figures; it is in those of the empty program, which is attached to both tracepoints
  likewise, too. Kept allocations are those of the workload `pipes`, of which less than one in a
  hundred is not kept; those left out are those of `page-faults`, of which one in 512 is a page table.
- Losses and mismatches are the sums of what the reports of `pagetrace` and `--scope all` say about
  all rounds of workloads.
- Waiting: CPU time of the process from /proc/PID/stat between two looks, in ticks of 10 ms, with
  the default scope and nothing else running but what the machine runs anyway.
- Scans: tables of made-up hosts in real memory, with no page marked, one chunk in a thousand, every
  page of one site, and (mixed) every page of another site than its neighbour; page states are made up, too,
  and cost nothing. A plain read adds up the same words with as many threads, in turns with the scans.
- The report on many sites: every page has a random site and a random age; names are made up.
- Memory, start and report: `pagetrace -i 2 -v`, and what `wait4` says about its memory.
";

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
        "{}, {}. Medians of {} rounds, with the least and the most; {} s of waiting.\n",
        results.machine, results.date, results.runs, results.idle_seconds
    );
    for peer in &results.peers {
        let _ = write!(text, "\nPeer {}: {}\n", peer.name, peer.version);
    }
    for peer in &results.skipped {
        let _ = write!(text, "\nSKIPPED {}: {}\n", peer.name, peer.reason);
    }
    let missed = results.missed();
    let _ = write!(
        text,
        "\n## Workloads\n\n{}",
        workloads(&results.comparisons)
    );
    let events = results.events.iter().map(Costs::row);
    let _ = write!(text, "\n## Events\n\n{}", table(&Costs::HEADER, events));
    let figures = results.figures.iter().map(Figure::row);
    let header = ["", "median", "range", "target", "outcome"];
    let _ = write!(text, "\n## Targets\n\n{}", table(&header, figures));
    let _ = write!(text, "\nTargets missed: {missed}.\n");
    text
}

/// A row for each load, a column for each variant; the first is the untraced one.
fn workloads(comparisons: &[Comparison]) -> String {
    let rows = comparisons.chunk_by(|a, b| a.load.name() == b.load.name());
    let rows: Vec<_> = rows.collect();
    let mut header = vec!["workload", "untraced"];
    let first = rows.first().copied().unwrap_or_default();
    header.extend(first.iter().skip(1).map(|it| it.variant));
    table(&header, rows.into_iter().map(row))
}

fn row(variants: &[Comparison]) -> Vec<String> {
    let untraced = &variants[0];
    let time = format!("{:.0} ns", untraced.nanoseconds.median);
    let cells = variants[1..].iter().map(Comparison::cell);
    [untraced.load.name(), time]
        .into_iter()
        .chain(cells)
        .collect()
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
    use super::super::figure::SECONDS;
    use super::super::peer::{Found, Skipped};
    use super::*;

    fn results() -> Results {
        let figures = [("start", 0.5), ("end", 2.5)].map(|(name, value)| {
            let figure = Figure::new(name, SECONDS, [value]);
            figure.expect("a value").at_most(1.0)
        });
        Results {
            date: "2026-01-02".to_owned(),
            machine: "2 x Example".to_owned(),
            runs: 7,
            idle_seconds: 60,
            workloads: &super::super::workload::WORKLOADS,
            peers: vec![Found {
                name: "bpftrace",
                version: "bpftrace v0.17.0".to_owned(),
            }],
            skipped: vec![Skipped {
                name: "memleak",
                reason: "not on the PATH".to_owned(),
            }],
            comparisons: Vec::new(),
            events: Vec::new(),
            figures: figures.into(),
        }
    }

    #[test]
    fn what_was_missed_or_skipped_is_said() {
        let text = body(&results());
        for line in [
            "Peer bpftrace: bpftrace v0.17.0",
            "SKIPPED memleak: not on the PATH",
            "Targets missed: 1.",
            "| start | 0.500 s | 0.500..0.500 | <= 1 s | met     |",
            "| end   | 2.500 s | 2.500..2.500 | <= 1 s | MISSED  |",
        ] {
            assert!(text.lines().any(|it| it == line), "no {line} in\n{text}");
        }
    }

    #[test]
    fn the_document_says_what_each_workload_is() {
        let text = document(&results());
        assert!(text.starts_with("# Performance\n"));
        for workload in &super::super::workload::WORKLOADS {
            let line = format!("- {}: {}", workload.name, workload.operation);
            assert!(text.lines().any(|it| it == line), "no {line}");
        }
    }

    #[test]
    fn the_results_are_json() {
        let json = serde_json::to_value(results()).expect("JSON");
        assert_eq!(json["figures"][0]["met"], true);
        assert_eq!(json["figures"][1]["target"]["at_most"], 1.0);
        assert_eq!(json["figures"][1]["unit"], "s");
    }
}
