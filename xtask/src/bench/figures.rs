//! The figures that have a target, and those that explain them.

use std::iter::zip;

use super::comparison::{Comparison, shares_of_cheapest_peer};
use super::events::{EMPTY, Watched};
use super::figure::{COUNT, Figure, MEGABYTES, NANOSECONDS, PER_SECOND, PERCENT, RATIO, SECONDS};
use super::idle::Idle;
use super::losses::Losses;
use super::reading::Reading;
use super::variant::{NO_CACHE, PAGETRACE, SCOPE_ALL};
use super::window::Window;
use super::workload::{PAGE_FAULTS, PIPES};

/// Of short windows.
pub(super) fn of_windows(windows: &[Window]) -> Vec<Figure> {
    let figure = |name: &str, unit, value: fn(&Window) -> f64| {
        Figure::new(name, unit, windows.iter().map(value))
    };
    let at_most = |limit: f64| move |figure: Figure| figure.at_most(limit);
    [
        figure("start to attached", SECONDS, |run| run.attached).map(at_most(1.0)),
        figure("end of the window to report", SECONDS, |run| run.reported).map(at_most(2.0)),
        figure(
            "peak memory beside the slot table",
            MEGABYTES,
            Window::beside_table,
        )
        .map(at_most(100.0)),
        figure("peak memory of the process", MEGABYTES, |run| run.peak),
        figure("slot table", MEGABYTES, |run| run.table),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Of a window with nothing to do.
pub(super) fn of_waiting(idle: &Idle) -> Vec<Figure> {
    let user = Figure::new("user time while waiting, of a CPU", PERCENT, [idle.user]);
    let system = Figure::new(
        "system time while waiting, of a CPU",
        PERCENT,
        [idle.system],
    );
    let maps = Figure::new("kernel memory of all maps", MEGABYTES, [idle.maps]);
    let user = user.map(|figure| figure.at_most(0.1));
    [user, system, maps].into_iter().flatten().collect()
}

/// Slow-down of workloads, and what that is beside the cheapest peer's.
pub(super) fn of_workloads(comparisons: &[Comparison]) -> Vec<Figure> {
    let slowed = comparisons.iter().filter_map(slow_down);
    let own = comparisons.iter().filter(|it| it.variant == PAGETRACE);
    let beside = own.filter_map(|own| {
        let (peer, shares) = shares_of_cheapest_peer(own, comparisons)?;
        let name = format!("added to {}, of what {peer} adds", own.load.name());
        Some(Figure::new(name, RATIO, shares)?.at_most(0.1))
    });
    slowed.chain(beside).collect()
}

fn slow_down(comparison: &Comparison) -> Option<Figure> {
    let limit = match comparison.variant {
        PAGETRACE if comparison.load.workload.name == PAGE_FAULTS.name => 1.03,
        PAGETRACE => 1.10,
        SCOPE_ALL => 1.25,
        _ => return None,
    };
    let name = format!(
        "slow-down of {}, {}",
        comparison.load.name(),
        comparison.variant
    );
    let ratios = comparison.ratios.iter().copied();
    Some(Figure::new(name, RATIO, ratios)?.at_most(limit))
}

/// Of single events.
pub(super) fn of_events(watched: &[Watched]) -> Vec<Figure> {
    let means = |tracer, workload, mean| each(watched, tracer, workload, mean);
    let allocation = |tracer, workload| means(tracer, workload, Reading::allocation);
    let (pipes, faults) = (PIPES.name, PAGE_FAULTS.name);
    let hit = allocation(PAGETRACE, pipes);
    let walk = allocation(NO_CACHE, pipes);
    let of_walk = zip(&hit, &walk).map(|(hit, walk)| hit / walk);
    let skipped = over(&allocation(PAGETRACE, faults), &allocation(EMPTY, faults));
    let freed = over(
        &means(PAGETRACE, pipes, Reading::free),
        &means(EMPTY, pipes, Reading::free),
    );
    let figures = [
        Figure::new("kept allocation, template hit", NANOSECONDS, hit.clone()),
        Figure::new("kept allocation, stack walk", NANOSECONDS, walk.clone()),
        Figure::new("template hit, of a stack walk", RATIO, of_walk).map(|it| it.at_most(0.125)),
        Figure::new(
            "allocation left out, over an empty program",
            NANOSECONDS,
            skipped,
        )
        .map(|it| it.at_most(15.0)),
        Figure::new("free, over an empty program", NANOSECONDS, freed).map(|it| it.at_most(25.0)),
        Figure::new(
            "events recorded from pipes",
            PER_SECOND,
            means(PAGETRACE, pipes, Reading::rate),
        ),
    ];
    let own = watched.iter().filter(|it| it.tracer == PAGETRACE);
    let hits = own.filter_map(|watched| {
        let name = format!("template hits after 1 s of {}", watched.workload.name);
        Some(Figure::new(name, PERCENT, watched.each(Reading::hits))?.at_least(99.0))
    });
    figures.into_iter().flatten().chain(hits).collect()
}

fn each(
    watched: &[Watched],
    tracer: &str,
    workload: &str,
    number: fn(&Reading) -> Option<f64>,
) -> Vec<f64> {
    let mut watched = watched.iter();
    let of = |it: &&Watched| it.tracer == tracer && it.workload.name == workload;
    watched
        .find(of)
        .map_or_else(Vec::new, |watched| watched.each(number))
}

/// The one less the other, round by round.
fn over(values: &[f64], base: &[f64]) -> Vec<f64> {
    zip(values, base)
        .map(|(value, base)| value - base)
        .collect()
}

/// What pagetrace says itself about all workloads that it was attached to.
pub(super) fn of_losses(losses: &Losses) -> Vec<Figure> {
    let templates = losses.templates.unwrap_or_default();
    let count = |name: &str, count: u64| Figure::new(name, COUNT, [count as f64]);
    [
        count("templates that mismatched", templates.mismatched).map(|it| it.at_most(0.0)),
        count("template hits that were checked", templates.checked),
        count("events lost in the workloads", losses.lost_events),
        count("events in the workloads", losses.events),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::losses::Templates;
    use super::*;

    #[test]
    fn one_mismatch_is_one_too_many() {
        let mut losses = Losses::default();
        assert!(of_losses(&losses).iter().all(Figure::is_met));
        losses.templates = Some(Templates {
            mismatched: 1,
            ..Templates::default()
        });
        assert!(!of_losses(&losses)[0].is_met());
    }

    #[test]
    fn a_program_is_weighed_against_the_empty_one_of_its_round() {
        assert_eq!(over(&[40.0, 50.0], &[30.0, 35.0]), [10.0, 15.0]);
    }

    #[test]
    fn what_was_not_watched_gives_no_figure() {
        assert!(of_events(&[]).is_empty());
        assert!(of_windows(&[]).is_empty());
    }
}
