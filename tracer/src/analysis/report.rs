//! The report: what every output format writes down.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    Timeline, Trace,
    sites::{Group, Stack},
};
use crate::{
    capture::{Losses, Scope},
    kernel::host::Host,
    symbols::{Frame, Symbolize},
};

/// Slices of the recording that the age histogram and the growth distinguish.
pub const AGE_BUCKETS: usize = 8;

/// All that one window found. Serialised, it is the schema `pagetrace.report/1`.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The machine.
    pub host: Host,
    /// The time that was watched.
    pub window: Window,
    /// Sums over all sites.
    pub totals: Totals,
    /// What was lost or not seen.
    pub losses: Losses,
    /// Every site with unfreed pages, best-ranked first.
    pub sites: Vec<Site>,
    /// Unfreed pages that `--min-age` left out.
    #[serde(skip)]
    pub too_young_pages: u64,
}

/// The time that was watched.
#[derive(Clone, Debug, Serialize)]
pub struct Window {
    /// When recording began.
    pub started: Timestamp,
    /// Length of the window, in seconds.
    pub seconds: f64,
    /// How much of it allocations were recorded, in seconds.
    pub record_seconds: f64,
    /// How much of it only frees were watched, in seconds.
    pub drain_seconds: f64,
    /// What was recorded.
    pub scope: Scope,
}

/// Sums over all sites.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Pages taken in the window and not freed.
    pub unfreed_pages: u64,
    /// The same in bytes.
    pub unfreed_bytes: u64,
    /// Number of sites.
    pub sites: usize,
}

/// One call site.
#[derive(Clone, Debug, Serialize)]
pub struct Site {
    /// Place in the ranking, from 1.
    pub rank: usize,
    /// The function that asked for the pages, or what is known instead.
    pub owner: String,
    /// The module of `owner`; none for the kernel proper.
    pub module: Option<String>,
    /// Pages taken in the window and not freed.
    pub unfreed_pages: u64,
    /// The same in bytes.
    pub unfreed_bytes: u64,
    /// Pages taken in the window, the freed ones included.
    pub allocated_pages: u64,
    /// Unfreed pages by the order of their allocation.
    pub orders: BTreeMap<u32, u64>,
    /// Sustained growth: the median over the slices of the recording of what
    /// each left behind, in bytes per second. A burst or a pool that renews
    /// itself has none.
    pub growth_bytes_per_second: u64,
    /// Unfreed pages by age, oldest first.
    pub age_histogram: Vec<AgeBucket>,
    /// The stack, innermost first.
    pub frames: Vec<Frame>,
    /// Index of the owner in `frames`.
    #[serde(skip)]
    pub owner_frame: Option<usize>,
    /// Process id and name of the task that came here first.
    #[serde(skip)]
    pub first_seen: Option<(u32, String)>,
}

/// Unfreed pages of one range of ages at the end of the window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AgeBucket {
    /// The youngest age in the range, in seconds.
    pub from_seconds: f64,
    /// The oldest age in the range, in seconds.
    pub to_seconds: f64,
    /// Pages of that age.
    pub pages: u64,
}

/// What the sites are ranked by, the largest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum SortKey {
    /// Unfreed bytes.
    #[default]
    Bytes,
    /// Unfreed pages.
    Pages,
    /// Sustained growth.
    Growth,
}

/// Which pages count, and in which order sites come.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection {
    /// What the sites are ranked by.
    pub sort: SortKey,
    /// Pages that may be younger than this are left out.
    pub min_age: Duration,
}

/// The window as it was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// When recording began.
    pub started: Timestamp,
    /// How long allocations were recorded.
    pub recorded: Duration,
    /// How long frees were watched: the whole window.
    pub watched: Duration,
    /// The epochs.
    pub timeline: Timeline,
    /// What was recorded.
    pub scope: Scope,
}

/// Ranks the groups and names their frames.
pub fn report(
    host: Host,
    measured: &Measured,
    groups: BTreeMap<Stack, Group>,
    symbols: &impl Symbolize,
    losses: Losses,
    selection: Selection,
) -> Report {
    let names = names(groups.keys(), symbols);
    let ages = Ages {
        measured,
        page_size: host.page_size,
    };
    let mut too_young_pages = 0;
    let mut sites = Vec::new();
    for (stack, mut group) in groups {
        too_young_pages += ages.drop_young(&mut group, selection.min_age);
        if !group.unfreed.is_empty() {
            sites.push(ages.site(&group, &stack, &names));
        }
    }
    rank(&mut sites, selection.sort);
    Report {
        window: window(measured),
        totals: totals(&sites),
        host,
        losses,
        sites,
        too_young_pages,
    }
}

/// The frames at every address of every stack, each looked up once.
fn names<'a>(
    stacks: impl Iterator<Item = &'a Stack>,
    symbols: &impl Symbolize,
) -> HashMap<u64, Vec<Frame>> {
    let mut addresses: Vec<_> = stacks.flat_map(addresses).copied().collect();
    addresses.sort_unstable();
    addresses.dedup();
    let frames = symbols.frames(&addresses);
    addresses.into_iter().zip(frames).collect()
}

fn addresses(stack: &Stack) -> &[u64] {
    match stack {
        Stack::Known(addresses) => addresses,
        Stack::SiteTableFull | Stack::Lost => &[],
    }
}

fn trace(stack: &Stack, names: &HashMap<u64, Vec<Frame>>) -> Trace {
    let frames = addresses(stack)
        .iter()
        .flat_map(|address| names.get(address).into_iter().flatten());
    Trace::new(frames.cloned().collect())
}

fn owner_name(stack: &Stack, owner: Option<&Frame>) -> String {
    match (stack, owner) {
        (Stack::SiteTableFull, _) => "[site table full]".to_owned(),
        (
            Stack::Known(_),
            Some(Frame {
                symbol: Some(symbol),
                ..
            }),
        ) => symbol.clone(),
        (Stack::Known(_), Some(Frame { address, .. })) => format!("{address:#x}"),
        (Stack::Lost, _) | (Stack::Known(_), None) => "[stack lost]".to_owned(),
    }
}

fn rank(sites: &mut [Site], sort: SortKey) {
    sites.sort_by_cached_key(|site| {
        let key = match sort {
            SortKey::Bytes => site.unfreed_bytes,
            SortKey::Pages => site.unfreed_pages,
            SortKey::Growth => site.growth_bytes_per_second,
        };
        std::cmp::Reverse((
            key,
            site.unfreed_bytes,
            std::cmp::Reverse(site.owner.clone()),
        ))
    });
    for (rank, site) in (1..).zip(sites) {
        site.rank = rank;
    }
}

fn totals(sites: &[Site]) -> Totals {
    Totals {
        unfreed_pages: sites.iter().map(|site| site.unfreed_pages).sum(),
        unfreed_bytes: sites.iter().map(|site| site.unfreed_bytes).sum(),
        sites: sites.len(),
    }
}

fn window(measured: &Measured) -> Window {
    let drained = measured.watched.saturating_sub(measured.recorded);
    Window {
        started: measured.started,
        seconds: milliseconds(measured.watched),
        record_seconds: milliseconds(measured.recorded),
        drain_seconds: milliseconds(drained),
        scope: measured.scope,
    }
}

/// Seconds, to the millisecond: more digits would say nothing.
fn milliseconds(duration: Duration) -> f64 {
    duration.as_millis() as f64 / 1000.0
}

/// The arithmetic of ages in one window.
struct Ages<'a> {
    measured: &'a Measured,
    page_size: u64,
}

impl Ages<'_> {
    /// Takes out the pages that may be younger than `min_age`, and counts them.
    fn drop_young(&self, group: &mut Group, min_age: Duration) -> u64 {
        let mut dropped = 0;
        for epochs in group.unfreed.values_mut() {
            epochs.retain(|&epoch, pages| {
                let keep = self.youngest(epoch) >= min_age;
                dropped += if keep { 0 } else { *pages };
                keep
            });
        }
        group.unfreed.retain(|_, epochs| !epochs.is_empty());
        dropped
    }

    /// The least age a page of this epoch can have at the end of the window.
    fn youngest(&self, epoch: u32) -> Duration {
        let (_, end) = self.measured.timeline.span(epoch, self.measured.recorded);
        self.measured.watched.saturating_sub(end)
    }

    fn site(&self, group: &Group, stack: &Stack, names: &HashMap<u64, Vec<Frame>>) -> Site {
        let trace = trace(stack, names);
        let owner = trace.owner_frame();
        let orders: BTreeMap<_, u64> = group
            .unfreed
            .iter()
            .map(|(&order, epochs)| (order, epochs.values().sum()))
            .collect();
        let unfreed_pages = orders.values().sum();
        let slices = self.slices(group);
        Site {
            rank: 0,
            owner: owner_name(stack, owner),
            module: owner.and_then(|frame| frame.module.clone()),
            unfreed_pages,
            unfreed_bytes: unfreed_pages * self.page_size,
            allocated_pages: group.allocated_pages,
            orders,
            growth_bytes_per_second: self.growth(slices),
            age_histogram: self.histogram(slices),
            owner_frame: trace.owner,
            frames: trace.frames,
            first_seen: group.first_seen.clone(),
        }
    }

    /// Unfreed pages by the slice of the recording in which they were taken.
    fn slices(&self, group: &Group) -> [u64; AGE_BUCKETS] {
        let mut slices = [0; AGE_BUCKETS];
        for (&epoch, pages) in group.unfreed.values().flatten() {
            let (start, _) = self.measured.timeline.span(epoch, self.measured.recorded);
            let slice = start.as_secs_f64() / self.slice_seconds();
            slices[(slice as usize).min(AGE_BUCKETS - 1)] += pages;
        }
        slices
    }

    fn slice_seconds(&self) -> f64 {
        self.measured.recorded.as_secs_f64().max(f64::MIN_POSITIVE) / AGE_BUCKETS as f64
    }

    fn growth(&self, mut slices: [u64; AGE_BUCKETS]) -> u64 {
        slices.sort_unstable();
        let median = (slices[AGE_BUCKETS / 2 - 1] + slices[AGE_BUCKETS / 2]) as f64 / 2.0;
        (median * self.page_size as f64 / self.slice_seconds()).round() as u64
    }

    fn histogram(&self, slices: [u64; AGE_BUCKETS]) -> Vec<AgeBucket> {
        let age = |slice: usize| {
            let taken = self.measured.recorded * slice as u32 / AGE_BUCKETS as u32;
            milliseconds(self.measured.watched.saturating_sub(taken))
        };
        let buckets = slices.into_iter().enumerate().map(|(i, pages)| AgeBucket {
            from_seconds: age(i + 1),
            to_seconds: age(i),
            pages,
        });
        buckets.collect()
    }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
