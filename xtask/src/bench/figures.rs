//! The figures that have a target.

use std::iter::zip;

use super::answers::Answers;
use super::events::Watched;
use super::figure::Figures;
use super::figure::Limit::{AtLeast, AtMost};
use super::readings::{HostCensus, Reading, Scale};
use super::report::Losses;
use super::rounds::Timed;
use super::variant::{EMPTY, NO_CACHE, PAGETRACE, SERVICE};
use super::window::Window;
use super::workload::{PAGE_FAULTS, PIPES};

impl Figures {
    /// Slow-down of workloads: of each row, against its first.
    pub(super) fn add_workloads(&mut self, rows: &[Vec<Timed>]) {
        for row in rows {
            for own in row.iter().filter(|it| it.variant == PAGETRACE) {
                let is_left_out = own.load.workload.name == PAGE_FAULTS.name;
                let limit = AtMost(if is_left_out { 1.03 } else { 1.10 });
                let name = format!("slow-down of {}", own.load.name());
                self.add(name, limit, "x", own.ratios(&row[0]));
            }
        }
    }

    /// The service beside a trace, in each row.
    pub(super) fn add_service(&mut self, rows: &[Vec<Timed>]) {
        for row in rows {
            let of = |variant| row.iter().find(|it| it.variant == variant);
            if let (Some(service), Some(trace)) = (of(SERVICE), of(PAGETRACE)) {
                let name = format!("with the service, of with a trace: {}", service.load.name());
                self.add(name, AtMost(1.03), "x", service.ratios(trace));
            }
        }
    }

    /// What pagetrace says itself about all workloads that it was attached to.
    pub(super) fn add_losses(&mut self, losses: &Losses) {
        let name = format!("unwind rule hits that were wrong, of {}", losses.checked);
        self.add(name, AtMost(0.0), "", [losses.mismatched]);
        let name = format!("events lost, of {}", losses.events);
        let percent = losses.lost_events * 100.0 / losses.events.max(1.0);
        self.add(name, AtMost(0.01), "%", [percent]);
    }

    /// Of single events.
    pub(super) fn add_events(&mut self, watched: &[Watched]) {
        let (pipes, faults) = (PIPES.name, PAGE_FAULTS.name);
        let each = |tracer, workload, number| each(watched, tracer, workload, number);
        let allocation = |tracer, workload| each(tracer, workload, Reading::allocation);
        let free = |tracer| each(tracer, pipes, Reading::free);
        let by_rule = zip(allocation(PAGETRACE, pipes), allocation(NO_CACHE, pipes));
        let by_rule = by_rule.map(|(rule, kernel)| rule / kernel);
        let name = "allocation by a rule, of one by the kernel's unwinder";
        self.add(name, AtMost(0.125), "x", by_rule);
        let left_out = over(allocation(PAGETRACE, faults), allocation(EMPTY, faults));
        let name = "allocation left out, over an empty program";
        self.add(name, AtMost(15.0), "ns", left_out);
        let freed = over(free(PAGETRACE), free(EMPTY));
        self.add("free, over an empty program", AtMost(25.0), "ns", freed);
        let own = watched.iter().filter(|it| it.tracer == PAGETRACE);
        let hits = own.flat_map(|it| it.each(Reading::hit_percent));
        let name = "fewest unwind rule hits after 1 s of a workload";
        self.add(name, AtLeast(99.0), "%", hits.min_by(f64::total_cmp));
    }

    /// Of short windows, with slot tables of so many megabytes, and of one with nothing to do.
    pub(super) fn add_windows(&mut self, windows: &[Window], slots: f64, waiting: &[Window]) {
        let attached = windows.iter().map(|run| run.attached);
        self.add("start to attached", AtMost(1.0), "s", attached);
        let reported = windows.iter().map(|run| run.reported);
        self.add("end of the window to report", AtMost(2.0), "s", reported);
        let beside = windows.iter().map(|run| (run.peak - slots).max(0.0));
        self.add(
            "peak memory beside the slot table",
            AtMost(100.0),
            "MB",
            beside,
        );
        let cpu = waiting.iter().map(|run| run.cpu_percent);
        self.add("CPU time while waiting, of a CPU", AtMost(1.0), "%", cpu);
    }

    /// Of commands that answer at once.
    pub(super) fn add_answers(&mut self, answers: Answers) {
        let Answers {
            mem,
            census,
            pages,
            holders,
            holders_of_queues,
            proc,
            diff,
        } = answers;
        self.add("`mem`", AtMost(0.1), "s", mem);
        self.add("`mem --census`", AtMost(1.5), "s", census);
        self.add("`pages`", AtMost(0.5), "s", pages);
        self.add("`holders`", AtMost(0.5), "s", holders);
        let beside = "`holders` beside 18,000 unix sockets with 90,000 datagrams";
        // What 10,000 sockets (60 ms) and 100,000 packets (100 ms) may take, each seen twice.
        self.add(beside, AtMost(0.82), "s", holders_of_queues);
        self.add("`proc` of 1,000 processes", AtMost(1.0), "s", proc);
        let name = "`diff` of snapshots of 10,000 processes";
        self.add(name, AtMost(1.0), "s", diff);
    }

    /// Of hosts larger than this one.
    pub(super) fn add_scale(&mut self, scale: &Scale) {
        // Each page of another site than its neighbour: no leak looks like that.
        let likely = scale.scans.iter().filter(|scan| scan.fill != "mixed");
        let percent = likely.map(|it| it.scan_gb_per_second * 100.0 / it.read_gb_per_second);
        let name = "slowest scan of a slot table, of a plain read";
        self.add(name, AtLeast(60.0), "%", percent.min_by(f64::total_cmp));
        let sites = &scale.synthetic_sites;
        let name = format!("report of {} sites", sites.sites);
        self.add(name, AtMost(1.0), "s", [sites.report_seconds]);
        let name = format!("memory for a report of {} sites", sites.sites);
        self.add(name, AtMost(300.0), "MB", [sites.peak_mb_beside_table]);
    }

    /// Of every page frame of a host larger than this one.
    pub(super) fn add_census(&mut self, census: &HostCensus) {
        let name = format!("census of {} GiB, of a page", census.host_gib);
        let nanoseconds = census.copy_nanoseconds + census.census_nanoseconds;
        self.add(name, AtMost(25.0), "ns", [nanoseconds]);
    }
}

fn each(
    watched: &[Watched],
    tracer: &str,
    workload: &str,
    number: fn(&Reading) -> Option<f64>,
) -> Vec<f64> {
    let mut watched = watched.iter();
    let found = watched.find(|it| it.tracer == tracer && it.workload == workload);
    found.map_or_else(Vec::new, |watched| watched.each(number))
}

/// The one less the other, round by round.
fn over(values: Vec<f64>, base: Vec<f64>) -> impl Iterator<Item = f64> {
    zip(values, base).map(|(value, base)| value - base)
}

/// Megabytes of kernel memory that pagetrace's maps take, and of those its slot table.
pub(super) fn maps(watched: &[Watched]) -> Option<(f64, f64)> {
    let own = watched.iter().find(|it| it.tracer == PAGETRACE)?;
    let maps = &own.readings.first()?.maps;
    let all: u64 = maps.values().sum();
    Some((all as f64 / 1e6, *maps.get("SLOTS")? as f64 / 1e6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mismatch_is_one_too_many() {
        let mut figures = Figures::default();
        figures.add_losses(&Losses::default());
        assert_eq!(figures.missed(), 0);
        figures.add_losses(&Losses {
            mismatched: 1.0,
            ..Losses::default()
        });
        assert_eq!(figures.missed(), 1);
    }

    #[test]
    fn what_was_not_watched_gives_no_figure() {
        let mut figures = Figures::default();
        figures.add_events(&[]);
        figures.add_windows(&[], 0.0, &[]);
        assert!(figures.0.is_empty());
    }
}
